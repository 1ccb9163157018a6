//! Single calls on DynamoDB, as the verbs need them: every read strongly consistent, every page
//! loop to its end, whatever was left unprocessed asked for again.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use crate::db::error::{Error, Result, classified};
use crate::db::items::{Item, key, sort_key, text};
use crate::{Db, Table};

/// Which sort keys a query covers.
#[derive(Clone, Debug)]
pub(crate) enum Range {
    /// Every one. (DynamoDB takes no empty text for the lower end of a range.)
    All,
    /// Those between two texts; both ends belong to it.
    Between(String, String),
    /// Those that start with this text, which is not empty, whatever characters follow.
    Starting(String),
}

impl Range {
    /// Every sort key that starts with this text, which is not empty.
    pub(crate) fn prefix(prefix: &str) -> Self {
        // No sort key of ours holds U+10FFFF, the last character of all.
        Self::Between(prefix.to_owned(), format!("{prefix}\u{10FFFF}"))
    }

    pub(crate) fn between(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self::Between(from.into(), to.into())
    }
}

/// One page of a query.
pub(crate) struct Query<'a> {
    pub(crate) table: Table,
    pub(crate) pk: String,
    pub(crate) range: Range,
    pub(crate) newest_first: bool,
    /// Items to read at most; none: as many as a megabyte holds.
    pub(crate) limit: Option<usize>,
    /// The sort key after which to go on.
    pub(crate) after: Option<&'a str>,
}

impl Query<'_> {
    pub(crate) fn of(table: Table, pk: impl Into<String>, range: Range) -> Self {
        Self {
            table,
            pk: pk.into(),
            range,
            newest_first: false,
            limit: None,
            after: None,
        }
    }
}

/// Keys of one BatchGetItem, DynamoDB's limit.
const BATCH_KEYS_MAX: usize = 100;

impl Db {
    pub(crate) async fn get(
        &self,
        table: Table,
        pk: impl Into<String>,
        sk: impl Into<String>,
    ) -> Result<Option<Item>> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(self.names.table(table))
            .set_key(Some(key(pk, sk)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| classified("reading an item", &error))?;
        Ok(answer.item)
    }

    /// Items under these keys, in no order; those that do not exist are left out.
    pub(crate) async fn get_all(&self, table: Table, keys: Vec<Item>) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH_KEYS_MAX) {
            self.get_batch(table, chunk.to_vec(), &mut items).await?;
        }
        Ok(items)
    }

    async fn get_batch(&self, table: Table, keys: Vec<Item>, into: &mut Vec<Item>) -> Result<()> {
        let name = self.names.table(table);
        let mut keys = keys;
        let mut attempts = self.attempts("reading items");
        loop {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|_| Error::Rejected("no keys to read"))?;
            let answer = self
                .dynamodb
                .batch_get_item()
                .request_items(&name, wanted)
                .send()
                .await
                .map_err(|error| classified("reading items", &error))?;
            into.extend(
                answer
                    .responses
                    .and_then(|mut found| found.remove(&name))
                    .unwrap_or_default(),
            );
            keys = answer
                .unprocessed_keys
                .and_then(|mut left| left.remove(&name))
                .map(|left| left.keys)
                .unwrap_or_default();
            if keys.is_empty() {
                return Ok(());
            }
            attempts.again().await?;
        }
    }

    /// Writes an item, whatever was there.
    pub(crate) async fn put(&self, table: Table, item: Item) -> Result<()> {
        self.dynamodb
            .put_item()
            .table_name(self.names.table(table))
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| classified("writing an item", &error))?;
        Ok(())
    }

    /// Writes an item if there is none under its key; says whether it did.
    pub(crate) async fn put_new(&self, table: Table, item: Item) -> Result<bool> {
        self.put_if(table, item, "attribute_not_exists(pk)", &[], &[])
            .await
    }

    /// Writes an item on a condition; says whether the condition held.
    pub(crate) async fn put_if(
        &self,
        table: Table,
        item: Item,
        condition: &str,
        names: &[(&str, &str)],
        values: &[(&str, AttributeValue)],
    ) -> Result<bool> {
        let mut request = self
            .dynamodb
            .put_item()
            .table_name(self.names.table(table))
            .set_item(Some(item))
            .condition_expression(condition);
        for (placeholder, name) in names {
            request = request.expression_attribute_names(*placeholder, *name);
        }
        for (placeholder, value) in values {
            request = request.expression_attribute_values(*placeholder, value.clone());
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(classified("writing an item", &error)),
        }
    }

    /// Deletes an item; none there is no fault.
    pub(crate) async fn delete(
        &self,
        table: Table,
        pk: impl Into<String>,
        sk: impl Into<String>,
    ) -> Result<()> {
        self.dynamodb
            .delete_item()
            .table_name(self.names.table(table))
            .set_key(Some(key(pk, sk)))
            .send()
            .await
            .map_err(|error| classified("deleting an item", &error))?;
        Ok(())
    }

    /// Deletes an item on a condition; says whether the condition held.
    pub(crate) async fn delete_if(
        &self,
        table: Table,
        key: Item,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<bool> {
        let mut request = self
            .dynamodb
            .delete_item()
            .table_name(self.names.table(table))
            .set_key(Some(key))
            .condition_expression(condition);
        for (placeholder, value) in values {
            request = request.expression_attribute_values(*placeholder, value.clone());
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(classified("deleting an item", &error)),
        }
    }

    /// One page of a query, and the sort key after which the next one starts, if there is more.
    pub(crate) async fn query(&self, query: &Query<'_>) -> Result<(Vec<Item>, Option<String>)> {
        let mut request = self
            .dynamodb
            .query()
            .table_name(self.names.table(query.table))
            .consistent_read(true)
            .scan_index_forward(!query.newest_first)
            .set_limit(
                query
                    .limit
                    .map(|limit| i32::try_from(limit.max(1)).unwrap_or(i32::MAX)),
            )
            .expression_attribute_values(":pk", text(&query.pk));
        request = match &query.range {
            Range::All => request.key_condition_expression("pk = :pk"),
            Range::Between(from, to) => request
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to)),
            Range::Starting(start) => request
                .key_condition_expression("pk = :pk AND begins_with(sk, :start)")
                .expression_attribute_values(":start", text(start)),
        };
        if let Some(after) = query.after {
            request = request.set_exclusive_start_key(Some(key(&query.pk, after)));
        }
        let answer = request
            .send()
            .await
            .map_err(|error| classified("reading a range", &error))?;
        let next = answer
            .last_evaluated_key
            .as_ref()
            .map(sort_key)
            .transpose()?;
        Ok((answer.items.unwrap_or_default(), next.map(str::to_owned)))
    }

    /// Every item of a range, through all its pages.
    pub(crate) async fn query_all(
        &self,
        table: Table,
        pk: impl Into<String>,
        range: Range,
    ) -> Result<Vec<Item>> {
        let pk = pk.into();
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query = Query::of(table, pk.clone(), range.clone());
            query.after = after.as_deref();
            let (page, next) = self.query(&query).await?;
            items.extend(page);
            match next {
                Some(next) => after = Some(next),
                None => return Ok(items),
            }
        }
    }
}
