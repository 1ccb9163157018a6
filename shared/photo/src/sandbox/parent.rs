use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{CHILD, CORRUPT, CUT, Codec, DECODED, LARGE, PIXELS_MAX, PROCESSOR_S_MAX, PROGRAM};
use super::{LOCKED, NO_PICTURE, UNSUPPORTED};
use crate::Reason;
use crate::planes::Planes;

/// Longest time of a child: it may wait for a processor, but it never waits for us.
const TIME_MAX: Duration = Duration::from_secs(30);

/// A child that decodes the pieces of one picture.
pub(crate) struct Decoder {
    to: ChildStdin,
    from: ChildStdout,
    /// Dropped, it ends the child.
    end: Option<Sender<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Decoder {
    pub(crate) fn start() -> Result<Decoder, Reason> {
        Decoder::start_for(PROCESSOR_S_MAX)
    }

    /// One that may take so many seconds of a processor.
    pub(super) fn start_for(processor_s: u64) -> Result<Decoder, Reason> {
        let program = PROGRAM.get().ok_or(Reason::UnsupportedFormat)?;
        let mut child = Command::new(program)
            .arg(CHILD)
            .arg(processor_s.to_string())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| Reason::DecoderFailure)?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (end, waits) = channel();
        let watch = std::thread::spawn(move || end_of(child, &waits));
        Ok(Decoder {
            to: to.ok_or(Reason::DecoderFailure)?,
            from: from.ok_or(Reason::DecoderFailure)?,
            end: Some(end),
            watch: Some(watch),
        })
    }

    /// The samples of a piece that has at most so many pixels.
    pub(crate) fn planes(
        &mut self,
        codec: Codec,
        stream: &[u8],
        pixels_max: u64,
    ) -> Result<Planes, Reason> {
        let pixels_max = pixels_max.min(PIXELS_MAX);
        self.ask(codec, stream, pixels_max)?;
        self.done()?;
        self.answer(pixels_max)
    }

    pub(super) fn ask(
        &mut self,
        codec: Codec,
        stream: &[u8],
        pixels_max: u64,
    ) -> Result<(), Reason> {
        let length = u32::try_from(stream.len()).map_err(|_| Reason::TooLarge)?;
        let asked = u32::try_from(pixels_max).map_err(|_| Reason::TooManyPixels)?;
        self.write(&[codec as u8])?;
        self.write(&length.to_le_bytes())?;
        self.write(&asked.to_le_bytes())?;
        self.write(stream)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.to.write_all(bytes).map_err(died)
    }

    /// What the child has to say first: it is done, or why not.
    pub(super) fn done(&mut self) -> Result<(), Reason> {
        match self.bytes::<1>()? {
            [DECODED] => Ok(()),
            [CORRUPT] => Err(Reason::Corrupt),
            [CUT] => Err(Reason::Truncated),
            [LARGE] => Err(Reason::TooManyPixels),
            [UNSUPPORTED] => Err(Reason::UnsupportedFormat),
            [NO_PICTURE] => Err(Reason::NoPicture),
            [LOCKED] => Err(Reason::Encrypted),
            _ => Err(Reason::DecoderFailure),
        }
    }

    /// Believes nothing: sides are judged before memory is taken for them.
    fn answer(&mut self, pixels_max: u64) -> Result<Planes, Reason> {
        let [depth, matrix, range] = self.bytes()?;
        let mut side = || self.bytes().map(u32::from_le_bytes);
        let (width, height, colour_width, colour_height) = (side()?, side()?, side()?, side()?);
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
        if !(8..=16).contains(&depth)
            || pixels(width, height) > pixels_max
            || pixels(colour_width, colour_height) > pixels(width, height)
        {
            return Err(Reason::DecoderFailure);
        }
        let mut samples = [const { Vec::new() }; 3];
        let of_colours = pixels(colour_width, colour_height);
        for (plane, count) in
            samples
                .iter_mut()
                .zip([pixels(width, height), of_colours, of_colours])
        {
            *plane = self.samples(usize::try_from(count).map_err(|_| Reason::TooManyPixels)?)?;
        }
        Ok(Planes {
            width,
            height,
            colour_width,
            colour_height,
            depth,
            samples,
            matrix: matrix.into(),
            full_range: range != 0,
        })
    }

    fn samples(&mut self, count: usize) -> Result<Vec<u16>, Reason> {
        const PART: usize = 32 << 10;
        let mut samples = Vec::with_capacity(count);
        let mut part = vec![0; PART * 2];
        while samples.len() < count {
            let bytes = (count - samples.len()).min(PART) * 2;
            self.from.read_exact(&mut part[..bytes]).map_err(died)?;
            let pairs = part[..bytes].chunks_exact(2);
            samples.extend(pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
        }
        Ok(samples)
    }

    /// So many bytes, for which there is memory.
    #[cfg(feature = "pdf")]
    pub(super) fn read(&mut self, length: usize) -> Result<Vec<u8>, Reason> {
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).map_err(died)?;
        Ok(bytes)
    }

    /// Passes over so many bytes.
    #[cfg(feature = "pdf")]
    pub(super) fn skip(&mut self, length: usize) -> Result<(), Reason> {
        let mut passed = (&mut self.from).take(length as u64);
        io::copy(&mut passed, &mut io::sink())
            .map(drop)
            .map_err(died)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(died)?;
        Ok(bytes)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.end.take();
        if let Some(watch) = self.watch.take() {
            // It cannot panic, and there is nothing to say if it did.
            let _ = watch.join();
        }
    }
}

/// Ends a child once its work is done or its time is over.
fn end_of(mut child: Child, waits: &Receiver<()>) {
    if let Err(RecvTimeoutError::Timeout) = waits.recv_timeout(TIME_MAX) {
        tell_nothing(child.kill());
        // The reader meets the end of the pipe now.
    }
    tell_nothing(child.kill());
    tell_nothing(child.wait().map(drop));
}

/// A child that is gone already is what is wanted.
fn tell_nothing(_: io::Result<()>) {}

/// The child broke a rule, or was ended.
fn died(_: io::Error) -> Reason {
    Reason::DecoderFailure
}
