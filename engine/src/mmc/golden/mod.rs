//! Bytes that others made, for each wire type: captured exchanges of foreign programs and drives
//! (`trace` names the capture), published captures of real drives, and values that published
//! command descriptions of drives give. A definition that is wrong on both sides of the boundary
//! fails here.

mod commands;
mod features;
mod lists;
mod replies;

/// Bytes from hexadecimal, spaces ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).expect("tests write hexadecimal") as u8)
        .collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    assert!(rest.is_empty(), "odd number of digits: {text}");
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}
