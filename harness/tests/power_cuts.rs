//! The power goes at every command boundary of a small burn, on every medium: the promises hold
//! each time, checked against the medium.

use harness::scenario::{Choices, Scenario, run};
use vdrive::models::MediumKind;

/// Cuts the power at each command of the scenario's first burn, and once behind the last.
fn at_every_command(text: &str, name: &str) {
    let scenario = Scenario::parse(text, name).expect("the test's own scenario");
    let whole = run(&scenario, name, &Choices::default()).unwrap_or_else(|f| panic!("{f}"));
    assert!(whole.commands > 20, "{name}: the burn took {} commands", whole.commands);
    for n in 0..=whole.commands {
        let choices = Choices { cut_at: Some(n), ..Choices::default() };
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
    at_every_command(&text, medium);
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
