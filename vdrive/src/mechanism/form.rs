//! What a sector holds as it goes from the buffer onto the disc, and how long that makes it.

/// What the main channel of a sector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Main {
    /// 2048 bytes of user data: on a CD a sector of Mode 1, whose other bytes follow from them.
    #[default]
    User,
    /// 2352 bytes of audio.
    Audio,
    /// A data sector of a CD with all its 2352 bytes, not scrambled.
    Data,
    /// Nothing: only the sub-channel is given, as in a lead-in with CD-TEXT.
    None,
}

/// The form of a sector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// What the main channel is.
    pub main: Main,
    /// Whether 96 bytes of sub-channel follow.
    pub sub: bool,
}

impl Form {
    /// User data only.
    pub const USER: Form = Form { main: Main::User, sub: false };
    /// Audio only.
    pub const AUDIO: Form = Form { main: Main::Audio, sub: false };
    /// A data sector with all its bytes.
    pub const DATA: Form = Form { main: Main::Data, sub: false };

    /// Bytes of a sector of this form.
    pub fn bytes(self) -> u32 {
        let main = match self.main {
            Main::User => 2048,
            Main::Audio | Main::Data => 2352,
            Main::None => 0,
        };
        main + if self.sub { 96 } else { 0 }
    }
}
