//! The example on the front page of the documentation, which runs as a test there, is the program
//! in
//! `examples`.

#[test]
fn the_front_page_shows_the_example() {
    let page = include_str!("../src/lib.rs");
    let program = include_str!("../examples/burn_folder.rs");
    let shown: Vec<&str> = page
        .lines()
        .map(|line| line.trim_start_matches("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .collect();
    let code: Vec<&str> =
        program.lines().skip_while(|line| line.starts_with("//!") || line.is_empty()).collect();
    assert_eq!(shown, code);
}
