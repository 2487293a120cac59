//! The power goes at every command boundary of a small burn, on every medium: the promises hold
//! each time, checked against the medium.

use harness::scenario::{Choices, Scenario, run};

const MEDIA: [&str; 8] = ["cd-r", "cd-rw", "dvd-r", "dvd-rw", "dvd+r", "dvd+rw", "bd-r", "bd-re"];

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
    ($($test:ident $at:literal),*) => {
        $(#[test]
        fn $test() {
            small_burn(MEDIA[$at]);
        })*
    };
}

each_medium!(
    cd_r 0, cd_rw 1, dvd_r 2, dvd_rw 3, dvd_plus_r 4, dvd_plus_rw 5, bd_r 6, bd_re 7
);
