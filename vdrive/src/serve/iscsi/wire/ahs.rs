//! Additional header segments of a SCSI Command (RFC 7143, 11.2.2).

/// What a command's additional header segments say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Additional<'a> {
    /// The CDB's bytes from the 17th on.
    pub extended_cdb: Option<&'a [u8]>,
    /// Room for the read half of a bidirectional command.
    pub bidirectional_read: Option<u32>,
}

/// Segments that break the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AhsError {
    /// One goes past the end.
    Short,
    /// A type that is not defined.
    Type(u8),
    /// Two of one type.
    Twice(u8),
    /// A length that its type cannot have.
    Length(u8),
}

const EXTENDED_CDB: u8 = 1;
const BIDIRECTIONAL_READ: u8 = 2;

/// Parses the segments, which are padded to whole words each.
pub fn additional(bytes: &[u8]) -> Result<Additional<'_>, AhsError> {
    let mut found = Additional::default();
    let mut rest = bytes;
    while let Some((head, tail)) = rest.split_at_checked(3) {
        // The length counts neither itself nor the type (RFC 7143, 11.2.2.2).
        let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
        let kind = head[2] & 0x3f;
        let body = tail.get(..length).ok_or(AhsError::Short)?;
        match kind {
            EXTENDED_CDB if found.extended_cdb.is_some() => return Err(AhsError::Twice(kind)),
            // One reserved byte comes first.
            EXTENDED_CDB => {
                found.extended_cdb = Some(body.get(1..).ok_or(AhsError::Length(kind))?);
            }
            BIDIRECTIONAL_READ if found.bidirectional_read.is_some() => {
                return Err(AhsError::Twice(kind));
            }
            BIDIRECTIONAL_READ => {
                let &[_, a, b, c, d] = body else { return Err(AhsError::Length(kind)) };
                found.bidirectional_read = Some(u32::from_be_bytes([a, b, c, d]));
            }
            other => return Err(AhsError::Type(other)),
        }
        let used = (3 + length).next_multiple_of(4);
        rest = rest.get(used..).ok_or(AhsError::Short)?;
    }
    if rest.is_empty() { Ok(found) } else { Err(AhsError::Short) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_segments_are_found() {
        let bytes = [
            0, 5, 1, 0, 0x11, 0x12, 0x13, 0x14, // an extended CDB of 20 bytes
            0, 5, 2, 0, 0, 0, 2, 0,
        ];
        let found = additional(&bytes).unwrap();
        assert_eq!(found.extended_cdb, Some(&[0x11, 0x12, 0x13, 0x14][..]));
        assert_eq!(found.bidirectional_read, Some(512));
        assert_eq!(additional(&[]), Ok(Additional::default()));
    }

    #[test]
    fn wrong_segments_are_refused() {
        assert_eq!(additional(&[0, 9, 1, 0]), Err(AhsError::Short));
        assert_eq!(additional(&[0, 1]), Err(AhsError::Short));
        assert_eq!(additional(&[0, 1, 3, 0]), Err(AhsError::Type(3)));
        assert_eq!(additional(&[0, 0, 1, 0]), Err(AhsError::Length(1)));
        assert_eq!(additional(&[0, 1, 2, 0]), Err(AhsError::Length(2)));
        let twice = [0, 5, 2, 0, 0, 0, 2, 0, 0, 5, 2, 0, 0, 0, 2, 0];
        assert_eq!(additional(&twice), Err(AhsError::Twice(2)));
    }
}
