//! The pcapng file format, as far as a capture of one Ethernet needs it (IETF opsawg pcapng).
//!
//! May not know: what the frames carry.

/// Bytes in front of the file's first packet: section header and interface description. Time is
/// counted in nanoseconds.
pub(super) fn header() -> Vec<u8> {
    let mut out = Vec::new();
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    // Version 1.0, and a section of unknown length.
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    option(&mut section, 4, b"kiln");
    option(&mut section, 0, &[]);
    block(&mut out, 0x0a0d_0d0a, &section);
    let mut interface = Vec::new();
    // LINKTYPE_ETHERNET, packets of any length.
    interface.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    // if_tsresol: units of 10^-9 seconds.
    option(&mut interface, 9, &[9]);
    option(&mut interface, 0, &[]);
    block(&mut out, 1, &interface);
    out
}

/// Appends a frame that passed at this time, in nanoseconds since 1970.
pub(super) fn packet(out: &mut Vec<u8>, at: u64, frame: &[&[u8]]) {
    let length: usize = frame.iter().map(|part| part.len()).sum();
    let mut body = Vec::with_capacity(24 + length);
    body.extend(0u32.to_le_bytes());
    body.extend(((at >> 32) as u32).to_le_bytes());
    body.extend((at as u32).to_le_bytes());
    // Captured and original length.
    body.extend((length as u32).to_le_bytes());
    body.extend((length as u32).to_le_bytes());
    frame.iter().for_each(|part| body.extend_from_slice(part));
    block(out, 6, &body);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    pad(out, value.len());
}

fn pad(out: &mut Vec<u8>, length: usize) {
    out.extend(&[0; 3][..length.next_multiple_of(4) - length]);
}

/// A block: type, total length, body, total length again.
fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let total = (12 + body.len().next_multiple_of(4)) as u32;
    out.extend(kind.to_le_bytes());
    out.extend(total.to_le_bytes());
    out.extend(body);
    pad(out, body.len());
    out.extend(total.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_an_enhanced_packet_block() {
        let mut out = Vec::new();
        packet(&mut out, 0x1_0000_0002, &[&[1, 2], &[3]]);
        let words: Vec<u32> =
            out.chunks(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        assert_eq!(words, [6, 36, 0, 1, 2, 3, 3, 0x0003_0201, 36]);
    }
}
