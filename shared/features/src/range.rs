//! A binary range coder with adaptive probabilities, as LZMA has it (Igor Pavlov, public domain
//! specification, 2015): 11-bit probabilities, 32-bit range, one byte of carry.

/// Bits of a probability.
const PROBABILITY_BITS: u32 = 11;
/// An even chance.
const EVEN: u16 = 1 << (PROBABILITY_BITS - 1);
/// How fast a probability follows: 1/16 of the way a bit. LZMA takes 1/32; sketches are short.
const PACE: u32 = 4;
/// Below this the range is widened by a byte.
const RANGE_MIN: u32 = 1 << 24;

/// Bits that go one way, to bytes or from bytes, so that one walk serves both.
pub(super) trait Bits {
    /// Writes `bit` and returns it, or ignores it and returns the one read.
    fn bit(&mut self, context: usize, bit: bool) -> bool;
    /// Whether to go on with the next row of coefficients.
    fn wants_row(&mut self) -> bool;
}

/// Bits to bytes, until a number of bytes is reached.
pub(super) struct Writer {
    low: u64,
    range: u32,
    cache: u8,
    pending: usize,
    bytes: Vec<u8>,
    chances: Vec<u16>,
    bytes_max: usize,
    rows: u32,
}

impl Writer {
    pub fn new(contexts: usize, bytes_max: usize) -> Self {
        Self {
            low: 0,
            range: u32::MAX,
            cache: 0,
            pending: 1,
            bytes: Vec::with_capacity(bytes_max),
            chances: vec![EVEN; contexts],
            bytes_max,
            rows: 0,
        }
    }

    /// The bytes, and the number of rows that they hold.
    pub fn finish(mut self) -> (Vec<u8>, u32) {
        (0..5).for_each(|_| self.shift());
        (self.bytes, self.rows)
    }

    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        if self.low < 0xff00_0000 || carry == 1 {
            self.bytes.push(self.cache.wrapping_add(carry));
            for _ in 1..self.pending {
                self.bytes.push(0xff_u8.wrapping_add(carry));
            }
            self.pending = 0;
            self.cache = (self.low >> 24) as u8;
        }
        self.pending += 1;
        self.low = (self.low & 0x00ff_ffff) << 8;
    }
}

impl Bits for Writer {
    fn bit(&mut self, context: usize, bit: bool) -> bool {
        let chance = &mut self.chances[context];
        let bound = (self.range >> PROBABILITY_BITS) * u32::from(*chance);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
        follow(chance, bit);
        while self.range < RANGE_MIN {
            self.range <<= 8;
            self.shift();
        }
        bit
    }

    fn wants_row(&mut self) -> bool {
        let room = self.bytes.len() + self.pending < self.bytes_max;
        self.rows += u32::from(room);
        room
    }
}

/// Bytes to bits, for a number of rows. Past the end it reads zeros, so that it always ends.
pub(super) struct Reader<'a> {
    code: u32,
    range: u32,
    bytes: std::slice::Iter<'a, u8>,
    chances: Vec<u16>,
    rows: u32,
}

impl<'a> Reader<'a> {
    pub fn new(contexts: usize, bytes: &'a [u8], rows: u32) -> Self {
        let mut reader = Self {
            code: 0,
            range: u32::MAX,
            bytes: bytes.iter(),
            chances: vec![EVEN; contexts],
            rows,
        };
        (0..5).for_each(|_| reader.shift());
        reader
    }

    fn shift(&mut self) {
        self.code = self.code << 8 | u32::from(self.bytes.next().copied().unwrap_or(0));
    }
}

impl Bits for Reader<'_> {
    fn bit(&mut self, context: usize, _: bool) -> bool {
        let chance = &mut self.chances[context];
        let bound = (self.range >> PROBABILITY_BITS) * u32::from(*chance);
        let bit = self.code >= bound;
        if bit {
            self.code -= bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        follow(chance, bit);
        while self.range < RANGE_MIN {
            self.range <<= 8;
            self.shift();
        }
        bit
    }

    fn wants_row(&mut self) -> bool {
        let more = self.rows > 0;
        self.rows = self.rows.saturating_sub(1);
        more
    }
}

/// The chance that the next bit is 0 follows the bit seen.
fn follow(chance: &mut u16, bit: bool) {
    if bit {
        *chance -= *chance >> PACE;
    } else {
        *chance += ((1 << PROBABILITY_BITS) - *chance) >> PACE;
    }
}
