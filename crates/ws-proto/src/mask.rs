//! Masking (RFC 6455 section 5.3): eight bytes at a time, in place, in safe code.

/// A mask key. A client needs a fresh one for every frame, which the author of the payload cannot predict (section 5.3).
pub type MaskKey = [u8; 4];

/// XORs `data` with the key, where `phase` bytes of the same payload precede it.
///
/// Masking and unmasking are the same. Of `phase` only the two lowest bits matter.
pub fn apply_mask(key: MaskKey, phase: usize, data: &mut [u8]) {
    let key = u32::from_ne_bytes(key);
    // Byte i of the payload is XORed with byte i mod 4 of the key: the key is rotated by the phase.
    let turned = u32::from_ne_bytes(turn(key.to_ne_bytes(), phase));
    let word = u64::from(turned) | u64::from(turned) << 32;
    let (words, tail) = data.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

fn turn(mut key: MaskKey, phase: usize) -> MaskKey {
    key.rotate_left(phase % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_phase_equals_the_formula_of_the_rfc() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..200).map(|i| (i * 7) as u8).collect();
        for length in 0..plain.len() {
            for phase in 0..9 {
                let mut masked = plain[..length].to_vec();
                apply_mask(key, phase, &mut masked);
                // Section 5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
                let expected: Vec<u8> = plain[..length]
                    .iter()
                    .enumerate()
                    .map(|(i, byte)| byte ^ key[(i + phase) % 4])
                    .collect();
                assert_eq!(masked, expected, "length {length}, phase {phase}");
            }
        }
    }
}
