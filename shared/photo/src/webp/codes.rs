//! Whether the prefix codes of a lossless WebP stay within a memory limit.
//!
//! A lossless picture may be cut into blocks with up to 65,536 groups of five prefix codes, and a
//! code of a hundred bytes unfolds into 80 kB of tables: a hostile file of 8 MB makes image-webp
//! 0.2.4, which knows no limit there, hold gigabytes. So the stream is read once up to its last
//! code, as the format's specification lays it out, and only the weight of the codes is kept.
//! Blocks are at least 4×4 pixels, so this reads far less than the picture.

/// Symbols of a group's codes: green with lengths, red, blue, alpha, distance.
const ALPHABETS: [usize; 5] = [256 + LENGTHS, 256, 256, 256, 40];
const LENGTHS: usize = 24;
const CODE_BITS_MAX: usize = 15;
const CACHE_BITS_MAX: u32 = 11;
/// The order in which the lengths of the code lengths' own code are stored.
const LENGTH_CODE_ORDER: [usize; 19] = [
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// What the decoder holds of a group beside its tables, the growth of its list included.
const GROUP_BYTES: usize = 1024;
/// It unfolds a code into a table of up to this many bits, of 4 bytes an entry; each symbol with
/// a longer code takes two nodes of 16 bytes.
const TABLE_BITS_MAX: usize = 10;

/// Why the codes are not to be handed to the decoder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The stream breaks the format's rules, or ends too early.
    Broken,
    /// The codes would take more memory than allowed.
    Heavy,
}

/// Reads a lossless stream up to its last code. `stream` starts after the header with the
/// dimensions, at `first_bit`.
pub(super) fn check(
    stream: &[u8],
    first_bit: usize,
    (width_px, height_px): (u32, u32),
    held_bytes_max: usize,
) -> Result<(), Stop> {
    let bits = Bits {
        bytes: stream,
        at: first_bit,
    };
    Survey {
        bits,
        held_bytes: 0,
        held_bytes_max,
    }
    .picture(width_px, height_px)
}

struct Survey<'a> {
    bits: Bits<'a>,
    held_bytes: usize,
    held_bytes_max: usize,
}

impl Survey<'_> {
    fn picture(&mut self, width: u32, height: u32) -> Result<(), Stop> {
        let width = self.transforms(width, height)?;
        let cache_bits = self.cache_bits()?;
        let mut groups = 1;
        if self.bits.read(1)? == 1 {
            let block = self.bits.read(3)? + 2;
            groups += self.block_image(width.div_ceil(1 << block), height.div_ceil(1 << block))?;
        }
        for _ in 0..groups {
            self.group(cache_bits)?;
        }
        Ok(())
    }

    /// Reads past the transforms; gives the width in pixels that remains to be coded.
    fn transforms(&mut self, mut width: u32, height: u32) -> Result<u32, Stop> {
        // Each of the four kinds comes at most once.
        for _ in 0..=4 {
            if self.bits.read(1)? == 0 {
                return Ok(width);
            }
            match self.bits.read(2)? {
                0 | 1 => {
                    let block = self.bits.read(3)? + 2;
                    self.block_image(width.div_ceil(1 << block), height.div_ceil(1 << block))?;
                }
                2 => {}
                _ => {
                    let colours = self.bits.read(8)? + 1;
                    self.block_image(colours, 1)?;
                    // Few colours are packed, several to a pixel.
                    let packed: u32 = match colours {
                        0..=2 => 8,
                        3..=4 => 4,
                        5..=16 => 2,
                        _ => 1,
                    };
                    width = width.div_ceil(packed);
                }
            }
        }
        Err(Stop::Broken)
    }

    /// Reads past an image of a value per block; gives the greatest group number in it. Copies
    /// and cached values repeat what came before, so the literals decide.
    fn block_image(&mut self, width: u32, height: u32) -> Result<u32, Stop> {
        let cache_bits = self.cache_bits()?;
        let [green, red, blue, alpha, distance] = self.group(cache_bits)?;
        let (mut left, mut greatest) = (width * height, 0);
        while left > 0 {
            let symbol = green.read(&mut self.bits)?;
            let length = match usize::from(symbol) {
                0..256 => {
                    let high = red.read(&mut self.bits)?;
                    blue.read(&mut self.bits)?;
                    alpha.read(&mut self.bits)?;
                    greatest = greatest.max(u32::from(high) << 8 | u32::from(symbol));
                    1
                }
                256..280 => {
                    let length = self.bits.read_extended(symbol - 256)?;
                    let distance = distance.read(&mut self.bits)?;
                    self.bits.read_extended(distance)?;
                    length
                }
                _ => 1,
            };
            left = left.checked_sub(length).ok_or(Stop::Broken)?;
        }
        Ok(greatest)
    }

    fn cache_bits(&mut self) -> Result<u32, Stop> {
        if self.bits.read(1)? == 0 {
            return Ok(0);
        }
        let cache_bits = self.bits.read(4)?;
        if (1..=CACHE_BITS_MAX).contains(&cache_bits) {
            Ok(cache_bits)
        } else {
            Err(Stop::Broken)
        }
    }

    fn group(&mut self, cache_bits: u32) -> Result<[Code; 5], Stop> {
        let mut symbols = ALPHABETS;
        if cache_bits > 0 {
            symbols[0] += 1 << cache_bits;
        }
        self.hold(GROUP_BYTES)?;
        let mut codes = [const { Code::Single(0) }; 5];
        for (code, symbols) in codes.iter_mut().zip(symbols) {
            *code = self.code(symbols)?;
        }
        Ok(codes)
    }

    fn code(&mut self, symbols: usize) -> Result<Code, Stop> {
        let code = if self.bits.read(1)? == 1 {
            self.simple_code()?
        } else {
            self.full_code(symbols)?
        };
        self.hold(code.held_bytes())?;
        Ok(code)
    }

    /// One or two symbols, written out.
    fn simple_code(&mut self) -> Result<Code, Stop> {
        let two = self.bits.read(1)? == 1;
        let width = 1 + 7 * self.bits.read(1)?;
        let first = self.bits.read_symbol(width)?;
        Ok(if two {
            Code::two(first, self.bits.read_symbol(8)?)
        } else {
            Code::Single(first)
        })
    }

    /// A length for each symbol, themselves coded.
    fn full_code(&mut self, symbols: usize) -> Result<Code, Stop> {
        let mut lengths = [0; LENGTH_CODE_ORDER.len()];
        let stored = usize::try_from(4 + self.bits.read(4)?).map_err(|_| Stop::Broken)?;
        for symbol in LENGTH_CODE_ORDER.iter().take(stored) {
            lengths[*symbol] = u8::try_from(self.bits.read(3)?).map_err(|_| Stop::Broken)?;
        }
        let length_code = Code::of_lengths(&lengths)?;
        Code::of_lengths(&self.code_lengths(&length_code, symbols)?)
    }

    fn code_lengths(&mut self, length_code: &Code, symbols: usize) -> Result<Vec<u8>, Stop> {
        let mut stored = symbols;
        if self.bits.read(1)? == 1 {
            let width = 2 + 2 * self.bits.read(3)?;
            stored = 2 + usize::try_from(self.bits.read(width)?).map_err(|_| Stop::Broken)?;
        }
        let (mut lengths, mut previous) = (Vec::with_capacity(symbols), 8);
        while stored > 0 && lengths.len() < symbols {
            stored -= 1;
            let (length, times) = match length_code.read(&mut self.bits)? {
                16 => (previous, 3 + self.bits.read(2)?),
                17 => (0, 3 + self.bits.read(3)?),
                18 => (0, 11 + self.bits.read(7)?),
                length => (u8::try_from(length).map_err(|_| Stop::Broken)?, 1),
            };
            previous = if length == 0 { previous } else { length };
            lengths.extend((0..times).map(|_| length));
        }
        if lengths.len() > symbols {
            Err(Stop::Broken)
        } else {
            Ok(lengths)
        }
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Stop> {
        self.held_bytes += bytes;
        if self.held_bytes > self.held_bytes_max {
            Err(Stop::Heavy)
        } else {
            Ok(())
        }
    }
}

/// A canonical prefix code.
enum Code {
    /// Its only symbol takes no bits.
    Single(u16),
    /// How many symbols there are of each length in bits, and the symbols by length.
    Many {
        counts: [u16; CODE_BITS_MAX + 1],
        symbols: Vec<u16>,
    },
}

impl Code {
    fn two(first: u16, second: u16) -> Code {
        let mut counts = [0; CODE_BITS_MAX + 1];
        counts[1] = 2;
        Code::Many {
            counts,
            symbols: vec![first, second],
        }
    }

    fn of_lengths(lengths: &[u8]) -> Result<Code, Stop> {
        let mut counts = [0; CODE_BITS_MAX + 1];
        let mut symbols = Vec::new();
        for (bits, count) in counts.iter_mut().enumerate().skip(1) {
            let of_this = (0u16..)
                .zip(lengths)
                .filter(|(_, length)| usize::from(**length) == bits);
            let before = symbols.len();
            symbols.extend(of_this.map(|(symbol, _)| symbol));
            *count = u16::try_from(symbols.len() - before).map_err(|_| Stop::Broken)?;
        }
        if let [symbol] = symbols[..] {
            return Ok(Code::Single(symbol));
        }
        // All codes of the greatest length, counted down each branch, must be taken exactly.
        let taken: u32 = (1..)
            .zip(&counts[1..])
            .map(|(bits, count)| u32::from(*count) << (CODE_BITS_MAX - bits))
            .sum();
        if taken == 1 << CODE_BITS_MAX {
            Ok(Code::Many { counts, symbols })
        } else {
            Err(Stop::Broken)
        }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u16, Stop> {
        let (counts, symbols) = match self {
            Code::Single(symbol) => return Ok(*symbol),
            Code::Many { counts, symbols } => (counts, symbols),
        };
        // Codes of one length are consecutive numbers: walk down until the number is in range.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in counts[1..].iter().map(|count| u32::from(*count)) {
            code |= bits.read(1)?;
            if code - first < count {
                let at = usize::try_from(index + code - first).map_err(|_| Stop::Broken)?;
                return symbols.get(at).copied().ok_or(Stop::Broken);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Broken)
    }

    fn held_bytes(&self) -> usize {
        let Code::Many { counts, .. } = self else {
            return 0;
        };
        let longest = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        let table_bits = longest.min(TABLE_BITS_MAX);
        let longer: usize = counts[table_bits + 1..]
            .iter()
            .map(|count| usize::from(*count))
            .sum();
        (4 << table_bits) + 2 * 16 * longer.max(2)
    }
}

/// Reads from the lowest bit of each byte up.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next bits, at most 16.
    fn read(&mut self, count: u32) -> Result<u32, Stop> {
        let byte = |offset| {
            self.bytes
                .get(self.at / 8 + offset)
                .map_or(0, |byte| u32::from(*byte))
        };
        let window = byte(0) | byte(1) << 8 | byte(2) << 16;
        let value = window >> (self.at % 8) & ((1 << count) - 1);
        self.at += usize::try_from(count).map_err(|_| Stop::Broken)?;
        if self.at <= self.bytes.len() * 8 {
            Ok(value)
        } else {
            Err(Stop::Broken)
        }
    }

    fn read_symbol(&mut self, count: u32) -> Result<u16, Stop> {
        u16::try_from(self.read(count)?).map_err(|_| Stop::Broken)
    }

    /// A length or distance: its symbol tells how many bits follow.
    fn read_extended(&mut self, symbol: u16) -> Result<u32, Stop> {
        let symbol = u32::from(symbol);
        if symbol < 4 {
            return Ok(symbol + 1);
        }
        let extra = (symbol - 2) / 2;
        let low = self.read(extra.min(16))?; // of a length's 24 or a distance's 40 symbols: 18 bits
        let high = self.read(extra.saturating_sub(16))?;
        Ok(((2 + symbol % 2) << extra) + (high << 16 | low) + 1)
    }
}
