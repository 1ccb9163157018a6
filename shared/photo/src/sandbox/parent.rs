use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{CHILD, CORRUPT, CUT, Codec, DECODED, LARGE, PIXELS_MAX, PROGRAM, UNSUPPORTED};
use crate::Reason;
use crate::planes::Planes;

/// Longest time of a child: it may wait for a processor, but it never waits for us.
const TIME_MAX: Duration = Duration::from_secs(30);

/// A child that decodes the pieces of one picture.
pub(crate) struct Decoder {
    to: ChildStdin,
    from: ChildStdout,
    /// Dropped, it ends the child.
    done: Option<Sender<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Decoder {
    pub(crate) fn start() -> Result<Decoder, Reason> {
        let program = PROGRAM.get().ok_or(Reason::UnsupportedFormat)?;
        let mut child = Command::new(program)
            .arg(CHILD)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| Reason::DecoderFailure)?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (done, waits) = channel();
        let watch = std::thread::spawn(move || end(child, &waits));
        Ok(Decoder {
            to: to.ok_or(Reason::DecoderFailure)?,
            from: from.ok_or(Reason::DecoderFailure)?,
            done: Some(done),
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
        let length = u32::try_from(stream.len()).map_err(|_| Reason::TooLarge)?;
        let asked = u32::try_from(pixels_max).map_err(|_| Reason::TooManyPixels)?;
        let mut ask = || {
            self.to.write_all(&[codec as u8])?;
            self.to.write_all(&length.to_le_bytes())?;
            self.to.write_all(&asked.to_le_bytes())?;
            self.to.write_all(stream)
        };
        ask().map_err(died)?;
        match self.bytes::<1>()? {
            [DECODED] => self.answer(pixels_max),
            [CORRUPT] => Err(Reason::Corrupt),
            [CUT] => Err(Reason::Truncated),
            [LARGE] => Err(Reason::TooManyPixels),
            [UNSUPPORTED] => Err(Reason::UnsupportedFormat),
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

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(died)?;
        Ok(bytes)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.done.take();
        if let Some(watch) = self.watch.take() {
            // It cannot panic, and there is nothing to say if it did.
            let _ = watch.join();
        }
    }
}

/// Ends a child once its work is done or its time is over.
fn end(mut child: Child, waits: &Receiver<()>) {
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
