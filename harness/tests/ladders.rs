//! One ladder for each medium: the exchanges of a small burn, as snapshots. A difference is a
//! change of what goes over the wire, and is to be looked at.

use harness::ladder::ladder;
use harness::scenario::{Choices, Scenario, run};

fn of(medium: &str) -> String {
    let text = format!(
        "title = 'a small burn'\nmedium = {{ kind = '{medium}' }}\n\
         [[step]]\nfiles = {{ a = {{ bytes = 3_000_000 }} }}\n\
         [[step]]\nburn = {{ verify = 'quick' }}\n"
    );
    let scenario = Scenario::parse(&text, medium).expect("the test's own scenario");
    let report = run(&scenario, medium, &Choices::default()).unwrap_or_else(|f| panic!("{f}"));
    ladder(&report.trace).expect("a trace of our own")
}

macro_rules! ladders {
    ($($test:ident $medium:literal),*) => {
        $(#[test]
        fn $test() {
            insta::assert_snapshot!(of($medium));
        })*
    };
}

ladders!(
    cd_r "cd-r", cd_rw "cd-rw", dvd_r "dvd-r", dvd_rw "dvd-rw",
    dvd_plus_r "dvd+r", dvd_plus_rw "dvd+rw", bd_r "bd-r", bd_re "bd-re", dvd_ram "dvd-ram"
);
