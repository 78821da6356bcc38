//! Numbers of encodings and pseudo-encodings (RFC 6143 sections 7.7 and 7.8; rfbproto).

/// An encoding or pseudo-encoding, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encoding(pub i32);

macro_rules! encodings {
    ($($(#[$doc:meta])* $name:ident = $number:expr;)*) => {
        impl Encoding {
            $($(#[$doc])* pub const $name: Self = Self($number);)*
        }
    };
}

encodings! {
    /// Pixels, uncompressed.
    RAW = 0;
    /// A copy of another part of the framebuffer.
    COPY_RECT = 1;
    /// Subrectangles of one colour each.
    RRE = 2;
    /// RRE for rectangles of up to 255 × 255 pixels.
    CORRE = 4;
    /// Subrectangles in tiles of 16 × 16 pixels.
    HEXTILE = 5;
    /// Raw, compressed in one zlib stream.
    ZLIB = 6;
    /// Tight: fills, JPEG, and four zlib streams.
    TIGHT = 7;
    /// Hextile, with tiles compressed in two zlib streams.
    ZLIB_HEX = 8;
    /// Tiles of 16 × 16 pixels with palettes and run lengths, without zlib.
    TRLE = 15;
    /// Tiles of 64 × 64 pixels with palettes and run lengths, compressed in one zlib stream.
    ZRLE = 16;
    /// ZRLE with a lossy wavelet transform.
    ZYWRLE = 17;
    /// JPEG that may omit the tables of the image before.
    JPEG = 21;
    /// H.264.
    H264 = 50;
    /// The framebuffer changes its size.
    DESKTOP_SIZE = -223;
    /// The update ends with this rectangle.
    LAST_RECT = -224;
    /// The position of the pointer.
    POINTER_POSITION = -232;
    /// The image of the pointer.
    CURSOR = -239;
    /// The image of the pointer in two colours.
    X_CURSOR = -240;
    /// QEMU: whether the pointer is relative.
    QEMU_POINTER_MOTION = -257;
    /// QEMU: key events with scan codes.
    QEMU_EXTENDED_KEY = -258;
    /// QEMU: sound.
    QEMU_AUDIO = -259;
    /// Tight with PNG in place of zlib.
    TIGHT_PNG = -260;
    /// QEMU: the keyboard's LEDs.
    QEMU_LED_STATE = -261;
    /// The General Input Interface.
    GII = -305;
    /// The desktop changes its name.
    DESKTOP_NAME = -307;
    /// The size of the framebuffer and the layout of its screens.
    EXTENDED_DESKTOP_SIZE = -308;
    /// Shutdown, reboot and reset of the machine.
    XVP = -309;
    /// Synchronisation points in the stream.
    FENCE = -312;
    /// Updates without requests.
    CONTINUOUS_UPDATES = -313;
    /// The image of the pointer, with transparency.
    CURSOR_WITH_ALPHA = -314;
    /// More than eight buttons.
    EXTENDED_MOUSE_BUTTONS = -316;
    /// Tight without zlib compression.
    TIGHT_WITHOUT_ZLIB = -317;
    /// Clipboards in UTF-8 and other formats.
    EXTENDED_CLIPBOARD = 0xc0a1_e5ce_u32.cast_signed();

    /// VMware: H.264 (`docs/webmks.md` 1.4, as for all of VMware's).
    VMWARE_H264_RECT = VMWARE + 0x14;
    /// VMware: TightPNG may send JPEG as the difference from the image before.
    VMWARE_TIGHT_DIFF = VMWARE + 0x16;
    /// VMware: H.264 in MP4.
    VMWARE_H264_MP4 = VMWARE + 0x18;
    /// VMware: the image of the pointer.
    VMWARE_CURSOR = VMWARE + 0x64;
    /// VMware: whether the pointer is visible, and whether it is absolute.
    VMWARE_CURSOR_STATE = VMWARE + 0x65;
    /// VMware: the position of the pointer.
    VMWARE_CURSOR_POSITION = VMWARE + 0x66;
    /// VMware: whether the client repeats keys.
    VMWARE_TYPEMATIC = VMWARE + 0x67;
    /// VMware: the keyboard's LEDs.
    VMWARE_LED_STATE = VMWARE + 0x68;
    /// VMware: a new pixel format, in force at once.
    VMWARE_DISPLAY_MODE = VMWARE + 0x69;
    /// VMware: the state of the VM.
    VMWARE_STATE = VMWARE + 0x6a;
    /// VMware: updates without requests, first form.
    VMWARE_SERVER_PUSH = VMWARE + 0x72;
    /// VMware: requests the server's capabilities (127/0).
    VMWARE_SERVER_CAPS = VMWARE + 0x7a;
    /// VMware: updates without requests, which are acknowledged.
    VMWARE_SERVER_PUSH_2 = VMWARE + 0x7b;
    /// VMware: the time of the frame.
    VMWARE_FRAME_STAMP = VMWARE + 0x7c;
    /// VMware: a copy from or to an offscreen buffer.
    VMWARE_OFFSCREEN_COPY_RECT = VMWARE + 0x7e;
    /// VMware: a cache of updates.
    VMWARE_UPDATE_CACHE = VMWARE + 0x7f;
    /// VMware: the layout of the screens.
    VMWARE_TOPOLOGY = VMWARE + 0x80;
    /// VMware: H.264 per screen.
    VMWARE_H264_MULTIMON = VMWARE + 0x81;
}

/// The first of VMware's 256 numbers.
const VMWARE: i32 = 0x574d_5600;

impl Encoding {
    /// Whether it is one of the 256 numbers reserved for VMware.
    pub const fn is_vmware(self) -> bool {
        self.0 & !0xff == VMWARE
    }

    /// Whether its rectangles contain pixels of the framebuffer.
    pub const fn is_image(self) -> bool {
        matches!(
            self,
            Self::RAW
                | Self::COPY_RECT
                | Self::RRE
                | Self::CORRE
                | Self::HEXTILE
                | Self::ZLIB
                | Self::TIGHT
                | Self::ZLIB_HEX
                | Self::TRLE
                | Self::ZRLE
                | Self::ZYWRLE
                | Self::JPEG
                | Self::H264
                | Self::TIGHT_PNG
                | Self::VMWARE_H264_RECT
                | Self::VMWARE_H264_MP4
                | Self::VMWARE_OFFSCREEN_COPY_RECT
        )
    }

    /// Whether it selects a quality (JPEG's ten levels, fine-grained levels and subsampling) or a compression level.
    /// Such a number only changes how other encodings are used; no rectangle has it.
    pub const fn is_level(self) -> bool {
        matches!(self.0, -32..=-23 | -256..=-247 | -512..=-412 | -768..=-763)
    }
}
