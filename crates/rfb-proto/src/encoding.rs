//! The numbers of encodings and of what pretends to be one (RFC 6143 sections 7.7 and 7.8; rfbproto).

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
    /// Pixels as they are.
    RAW = 0;
    /// From another place of the framebuffer.
    COPY_RECT = 1;
    /// Rectangles of one colour.
    RRE = 2;
    /// The same, small ones.
    CORRE = 4;
    /// The same, in tiles.
    HEXTILE = 5;
    /// Raw through one zlib stream.
    ZLIB = 6;
    /// Tight: fills, JPEG, and four zlib streams.
    TIGHT = 7;
    /// Hextile through two zlib streams.
    ZLIB_HEX = 8;
    /// ZRLE's tiles without zlib.
    TRLE = 15;
    /// Runs and palettes in tiles through one zlib stream.
    ZRLE = 16;
    /// ZRLE with wavelets.
    ZYWRLE = 17;
    /// JPEG that leaves out the tables it had before.
    JPEG = 21;
    /// H.264.
    H264 = 50;
    /// The framebuffer has another size.
    DESKTOP_SIZE = -223;
    /// The update ends here.
    LAST_RECT = -224;
    /// Where the pointer is.
    POINTER_POSITION = -232;
    /// What the pointer looks like.
    CURSOR = -239;
    /// The same in two colours.
    X_CURSOR = -240;
    /// QEMU: whether the pointer is relative.
    QEMU_POINTER_MOTION = -257;
    /// QEMU: key events with scan codes.
    QEMU_EXTENDED_KEY = -258;
    /// QEMU: sound.
    QEMU_AUDIO = -259;
    /// Tight with PNG in place of zlib.
    TIGHT_PNG = -260;
    /// QEMU: the keyboard's lights.
    QEMU_LED_STATE = -261;
    /// The General Input Interface.
    GII = -305;
    /// The desktop has another name.
    DESKTOP_NAME = -307;
    /// The framebuffer and its screens.
    EXTENDED_DESKTOP_SIZE = -308;
    /// Shutdown and reset.
    XVP = -309;
    /// Marks in the stream.
    FENCE = -312;
    /// Updates that need not be asked for.
    CONTINUOUS_UPDATES = -313;
    /// What the pointer looks like, with transparency.
    CURSOR_WITH_ALPHA = -314;
    /// More than eight buttons.
    EXTENDED_MOUSE_BUTTONS = -316;
    /// Tight's zlib streams may be left out.
    TIGHT_WITHOUT_ZLIB = -317;
    /// Clipboards of other text than Latin-1, and of more than text.
    EXTENDED_CLIPBOARD = 0xc0a1_e5ce_u32.cast_signed();

    /// VMware: H.264 (`docs/webmks.md` 1.4, as are all of VMware's).
    VMWARE_H264_RECT = VMWARE + 0x14;
    /// VMware: TightPNG may leave out what it has in common with the one before.
    VMWARE_TIGHT_DIFF = VMWARE + 0x16;
    /// VMware: H.264 in MP4.
    VMWARE_H264_MP4 = VMWARE + 0x18;
    /// VMware: what the pointer looks like.
    VMWARE_CURSOR = VMWARE + 0x64;
    /// VMware: whether there is a pointer, and of which kind.
    VMWARE_CURSOR_STATE = VMWARE + 0x65;
    /// VMware: where the pointer is.
    VMWARE_CURSOR_POSITION = VMWARE + 0x66;
    /// VMware: who repeats keys.
    VMWARE_TYPEMATIC = VMWARE + 0x67;
    /// VMware: the keyboard's lights.
    VMWARE_LED_STATE = VMWARE + 0x68;
    /// VMware: another pixel format from here on.
    VMWARE_DISPLAY_MODE = VMWARE + 0x69;
    /// VMware: what the VM is doing.
    VMWARE_STATE = VMWARE + 0x6a;
    /// VMware: updates that need not be asked for, first form.
    VMWARE_SERVER_PUSH = VMWARE + 0x72;
    /// VMware: asks for the server's capabilities.
    VMWARE_SERVER_CAPS = VMWARE + 0x7a;
    /// VMware: updates that need not be asked for, but acknowledged.
    VMWARE_SERVER_PUSH_2 = VMWARE + 0x7b;
    /// VMware: when the frame was made.
    VMWARE_FRAME_STAMP = VMWARE + 0x7c;
    /// VMware: from or to a buffer that is not shown.
    VMWARE_OFFSCREEN_COPY_RECT = VMWARE + 0x7e;
    /// VMware: repeats updates.
    VMWARE_UPDATE_CACHE = VMWARE + 0x7f;
    /// VMware: the screens.
    VMWARE_TOPOLOGY = VMWARE + 0x80;
    /// VMware: H.264 for each screen.
    VMWARE_H264_MULTIMON = VMWARE + 0x81;
}

/// Where VMware's 256 numbers begin.
const VMWARE: i32 = 0x574d_5600;

impl Encoding {
    /// Whether it is one of VMware's 256.
    pub const fn is_vmware(self) -> bool {
        self.0 & !0xff == VMWARE
    }

    /// Whether its rectangles hold a part of the picture.
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

    /// Whether it asks for a quality (JPEG's ten levels, fine-grained levels and subsampling) or for a
    /// compression level. Such a number changes how other encodings look, and none of them comes back.
    pub const fn is_level(self) -> bool {
        matches!(self.0, -32..=-23 | -256..=-247 | -512..=-412 | -768..=-763)
    }
}
