use serde::{Deserialize, Serialize};

use crate::lead::Outline;

/// What a file of several pictures has several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameUnit {
    /// Moments of an animation.
    Frame,
    /// Pages of a document.
    Page,
}

/// Which frames or pages of an ad's file its fingerprint is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramesShown {
    /// What they are.
    pub unit: FrameUnit,
    /// Frames that an animation has, as far as they were looked at; of pages none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// In the order of the file; at least one.
    pub frames: Vec<ShownFrame>,
}

/// A frame or a page of which the fingerprint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownFrame {
    /// Its number, from 1.
    pub number: u32,
    /// Where it stands on the picture that was compared, in thousandths of its sides: left, top, right, bottom;
    /// none if it is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<[u16; 4]>,
}

/// The frame or page on which a lead's photo was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFrame {
    /// What it is.
    pub unit: FrameUnit,
    /// Its number, from 1.
    pub number: u32,
    /// Of how many; of pages none.
    pub of: Option<u32>,
}

impl FramesShown {
    /// The frame in which the middle of an outline lies, if that can be told.
    pub fn found(&self, outline: Option<&Outline>) -> Option<FoundFrame> {
        let frame = match &self.frames[..] {
            [only] => only,
            frames => {
                let corners = outline?;
                let middle = |side: fn(&(f32, f32)) -> f32| {
                    corners.iter().map(side).sum::<f32>() / corners.len() as f32 * 1000.0
                };
                let (x, y) = (middle(|it| it.0), middle(|it| it.1));
                let within = |frame: &&ShownFrame| {
                    frame.area.is_some_and(|area| {
                        let [left, top, right, bottom] = area.map(f32::from);
                        (left..=right).contains(&x) && (top..=bottom).contains(&y)
                    })
                };
                frames.iter().find(within)?
            }
        };
        Some(FoundFrame {
            unit: self.unit,
            number: frame.number,
            of: self.count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f32, y: f32, side: f32) -> Outline {
        [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    }

    fn shown(areas: &[(u32, Option<[u16; 4]>)]) -> FramesShown {
        let frames = areas.iter().map(|(number, area)| ShownFrame {
            number: *number,
            area: *area,
        });
        FramesShown {
            unit: FrameUnit::Frame,
            count: Some(7),
            frames: frames.collect(),
        }
    }

    #[test]
    fn the_frame_in_which_the_photo_lies_is_told() {
        let two = shown(&[
            (3, Some([0, 0, 480, 1000])),
            (5, Some([520, 0, 1000, 1000])),
        ]);
        let number = |outline: &Outline| two.found(Some(outline)).map(|it| it.number);
        assert_eq!(number(&square(0.1, 0.1, 0.3)), Some(3));
        assert_eq!(number(&square(0.6, 0.2, 0.3)), Some(5));
        assert_eq!(number(&square(0.4, 0.4, 0.2)), None, "between them");
        assert_eq!(two.found(None), None);
        let one = shown(&[(2, None)]).found(None).expect("there is no other");
        assert_eq!((one.number, one.of), (2, Some(7)));
    }

    #[test]
    fn what_was_recorded_without_frames_is_read() {
        let text = r#"{"unit":"page","frames":[{"number":2}]}"#;
        let read: FramesShown = serde_json::from_str(text).expect("valid");
        assert_eq!(serde_json::to_string(&read).expect("text"), text);
    }
}
