//! What a call is billed as. DynamoDB: units of reading (4 KB) and writing (1 KB) by the size of
//! items; S3: requests of two classes.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

use std::ops::AddAssign;

use serde_json::Value;

use super::rights::steps;

/// Billed units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// DynamoDB's write request units.
    pub writes: f64,
    /// DynamoDB's read request units.
    pub reads: f64,
    /// Requests of S3 that write or list.
    pub s3_puts: f64,
    /// Requests of S3 that read. (Those that delete are free.)
    pub s3_gets: f64,
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.writes += other.writes;
        self.reads += other.reads;
        self.s3_puts += other.s3_puts;
        self.s3_gets += other.s3_gets;
    }
}

/// Bytes of a write unit, and of a read unit.
const WRITE_BYTES: usize = 1_024;
const READ_BYTES: usize = 4_096;

impl Units {
    /// Of a call of S3.
    pub fn of_s3(operation: &str) -> Self {
        let mut units = Self::default();
        match operation {
            "GetObject" | "HeadObject" => units.s3_gets = 1.0,
            "DeleteObject" | "DeleteObjects" => {}
            _ => units.s3_puts = 1.0,
        }
        units
    }

    /// Of a call of DynamoDB, by what was sent and what came back. An update is billed by the item
    /// as it stands, which the wire does not see: what is sent of it counts, one unit at least. So
    /// does a deletion.
    pub fn of_dynamodb(operation: &str, asked: &Value, answered: &Value) -> Self {
        let mut units = Self::default();
        let strong = |asked: &Value| match asked["ConsistentRead"].as_bool() {
            Some(true) => 1.0,
            _ => 0.5,
        };
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => units.writes = written(asked),
            "TransactWriteItems" => {
                units.writes = steps(asked).map(|(_, step)| 2.0 * written(step)).sum();
            }
            "GetItem" => units.reads = strong(asked) * read(item_bytes(&answered["Item"])),
            "Query" | "Scan" => {
                let items = answered["Items"].as_array().into_iter().flatten();
                units.reads = strong(asked) * read(items.map(item_bytes).sum());
            }
            "BatchGetItem" => {
                let tables = answered["Responses"].as_object().into_iter().flatten();
                let items = tables.filter_map(|(_, items)| items.as_array()).flatten();
                units.reads = items.map(|item| read(item_bytes(item))).sum();
            }
            _ => {}
        }
        units
    }
}

fn written(step: &Value) -> f64 {
    let bytes = item_bytes(&step["Item"])
        + item_bytes(&step["Key"])
        + item_bytes(&step["ExpressionAttributeValues"]);
    let bytes = match step["Item"].is_object() {
        true => item_bytes(&step["Item"]),
        false => bytes,
    };
    bytes.div_ceil(WRITE_BYTES).max(1) as f64
}

fn read(bytes: usize) -> f64 {
    bytes.div_ceil(READ_BYTES).max(1) as f64
}

/// An item's size: its names and values.
fn item_bytes(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return 0;
    };
    let text = || value.as_str().map_or(0, str::len);
    match kind.as_str() {
        "S" => text(),
        "N" => text().div_ceil(2) + 1,
        "B" => text() / 4 * 3,
        "M" => 3 + value.as_object().map_or(0, |map| map.len()) + item_bytes(value),
        "L" => {
            let items = value.as_array().into_iter().flatten();
            3 + items.map(|item| 1 + value_bytes(item)).sum::<usize>()
        }
        "SS" | "NS" | "BS" => {
            let texts = value.as_array().into_iter().flatten();
            texts.map(|it| it.as_str().map_or(0, str::len)).sum()
        }
        _ => 1,
    }
}
