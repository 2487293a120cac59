//! The power goes at every command boundary of a small burn, on every medium: the promises hold
//! each time, checked against the medium.

use harness::scenario::{Choices, Scenario, run};
use vdrive::models::MediumKind;

/// Cuts the power at each command of a burn of the scenario, and once behind the last.
fn at_every_command(text: &str, name: &str, cut_burn: u32) {
    let scenario = Scenario::parse(text, name).expect("the test's own scenario");
    let choices = Choices { cut_burn, ..Choices::default() };
    let whole = run(&scenario, name, &choices).unwrap_or_else(|f| panic!("{f}"));
    assert!(whole.commands > 20, "{name}: the burn took {} commands", whole.commands);
    for n in 0..=whole.commands {
        let choices = Choices { cut_at: Some(n), cut_burn, ..Choices::default() };
        if let Err(failure) = run(&scenario, name, &choices) {
            panic!("{name}, cut at command {n} of {}:\n{failure}\n{text}", whole.commands);
        }
    }
}

fn small_burn(medium: &str) {
    let text = format!(
        "title = 'a small burn'\nmedium = {{ kind = '{medium}' }}\n\
         [[step]]\nfiles = {{ a = {{ bytes = 70_000 }} }}\n\
         [[step]]\nburn = {{ verify = 'quick', keep-open = true }}\n"
    );
    at_every_command(&text, medium, 0);
}

/// A volume that grows in place shows what it showed until it shows what it is to show.
fn growing(medium: &str, fs: &str) {
    let text = format!(
        "title = 'a volume grows'\nmedium = {{ kind = '{medium}' }}\n\
         [[step]]\nfiles = {{ a = {{ bytes = 70_000 }}, b = {{ text = 'old' }} }}\n\
         [[step]]\nburn = {{ verify = 'quick', fs = [{fs}] }}\n\
         [[step]]\nfiles = {{ b = {{ text = 'newer' }}, c = {{ bytes = 70_000 }} }}\n\
         [[step]]\nburn = {{ verify = 'quick', update = true }}\n\
         [[step]]\ncompare = {{}}\n"
    );
    at_every_command(&text, medium, 1);
}

#[test]
fn a_bridge_grows_on_bd_re() {
    growing("bd-re", "'iso9660', 'udf'");
}

#[test]
fn iso_9660_grows_on_dvd_plus_rw() {
    growing("dvd+rw", "");
}

#[test]
fn udf_grows_on_dvd_ram() {
    growing("dvd-ram", "'udf'");
}

macro_rules! each_medium {
    ($($test:ident $name:literal),*) => {
        $(#[test]
        fn $test() {
            small_burn($name);
        })*

        #[test]
        fn no_medium_is_left_out() {
            assert_eq!([$($name),*], MediumKind::ALL.map(MediumKind::name));
        }
    };
}

each_medium!(
    cd_r "cd-r", cd_rw "cd-rw", dvd_r "dvd-r", dvd_rw "dvd-rw", dvd_plus_r "dvd+r",
    dvd_plus_rw "dvd+rw", bd_r "bd-r", bd_re "bd-re", dvd_ram "dvd-ram"
);
