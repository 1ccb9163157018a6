//! Transactions: all of their writes or none, each on its condition.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};

use crate::db::error::{Error, Result, classified};
use crate::db::items::{Item, number};
use crate::{Db, Table};

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every write was done.
    Done,
    /// None was, since the conditions of these steps (by their place, from 0) did not hold.
    Refused(Vec<usize>),
}

impl Ended {
    /// Whether this step was among those refused.
    pub(crate) fn refused(&self, step: usize) -> bool {
        matches!(self, Self::Refused(steps) if steps.contains(&step))
    }
}

/// Names and values that stand for `#` and `:` in an expression.
pub(crate) type Names<'a> = &'a [(&'a str, &'a str)];
pub(crate) type Values<'a> = &'a [(&'a str, AttributeValue)];

/// What the SDK's builders refuse can only be a part that this file forgot.
fn incomplete<E>(_: E) -> Error {
    Error::Rejected("a transaction is incomplete")
}

macro_rules! with_placeholders {
    ($builder:expr, $names:expr, $values:expr) => {{
        let mut builder = $builder;
        for (placeholder, name) in $names {
            builder = builder.expression_attribute_names(*placeholder, *name);
        }
        for (placeholder, value) in $values {
            builder = builder.expression_attribute_values(*placeholder, value.clone());
        }
        builder.build().map_err(incomplete)?
    }};
}

impl Db {
    /// A step that writes an item where there is none.
    pub(crate) fn step_put_new(&self, table: Table, item: Item) -> Result<TransactWriteItem> {
        self.step_put_if(table, item, "attribute_not_exists(pk)", &[], &[])
    }

    /// A step that writes an item on a condition.
    pub(crate) fn step_put_if(
        &self,
        table: Table,
        item: Item,
        condition: &str,
        names: Names<'_>,
        values: Values<'_>,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(self.names.table(table))
            .set_item(Some(item))
            .condition_expression(condition);
        let put = with_placeholders!(put, names, values);
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A step that writes an item, whatever was there.
    pub(crate) fn step_put(&self, table: Table, item: Item) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(self.names.table(table))
            .set_item(Some(item))
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A step that changes an item on a condition.
    pub(crate) fn step_update(
        &self,
        table: Table,
        key: Item,
        update: &str,
        condition: Option<&str>,
        names: Names<'_>,
        values: Values<'_>,
    ) -> Result<TransactWriteItem> {
        let change = Update::builder()
            .table_name(self.names.table(table))
            .set_key(Some(key))
            .update_expression(update)
            .set_condition_expression(condition.map(str::to_owned));
        let change = with_placeholders!(change, names, values);
        Ok(TransactWriteItem::builder().update(change).build())
    }

    /// A step that deletes an item.
    pub(crate) fn step_delete(
        &self,
        table: Table,
        key: Item,
        condition: Option<&str>,
        values: Values<'_>,
    ) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(self.names.table(table))
            .set_key(Some(key))
            .set_condition_expression(condition.map(str::to_owned));
        let delete = with_placeholders!(delete, &[] as Names<'_>, values);
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// A step that writes nothing and refuses the transaction unless the condition holds.
    pub(crate) fn step_check(
        &self,
        table: Table,
        key: Item,
        condition: &str,
        names: Names<'_>,
        values: Values<'_>,
    ) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(self.names.table(table))
            .set_key(Some(key))
            .condition_expression(condition);
        let check = with_placeholders!(check, names, values);
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// A step that moves a counter from `seq` to `next`, unless another caller moved it. A counter
    /// that does not exist stands at 0.
    pub(crate) fn step_count(
        &self,
        table: Table,
        counter: Item,
        (seq, next): (u64, u64),
    ) -> Result<TransactWriteItem> {
        let next = (":next", number(next));
        let names = [("#seq", "seq")];
        if seq == 0 {
            let condition = Some("attribute_not_exists(#seq)");
            return self.step_update(
                table,
                counter,
                "SET #seq = :next",
                condition,
                &names,
                &[next],
            );
        }
        let values = [next, (":seq", number(seq))];
        let condition = Some("#seq = :seq");
        self.step_update(
            table,
            counter,
            "SET #seq = :next",
            condition,
            &names,
            &values,
        )
    }

    /// Carries out a transaction. A clash with another one under way is tried again with jitter, a
    /// bounded number of times; a condition that does not hold ends it. Repeating a request that
    /// timed out is safe: the SDK sends its token with it.
    pub(crate) async fn transact(
        &self,
        doing: &'static str,
        steps: &[TransactWriteItem],
    ) -> Result<Ended> {
        let mut attempts = self.attempts(doing);
        loop {
            let request = self.dynamodb.transact_write_items();
            match request
                .set_transact_items(Some(steps.to_vec()))
                .send()
                .await
            {
                Ok(_) => return Ok(Ended::Done),
                Err(error) => match sorted(doing, &error)? {
                    Some(refused) => return Ok(Ended::Refused(refused)),
                    None => attempts.again().await?,
                },
            }
        }
    }
}

/// The steps whose conditions did not hold; none if the transaction clashed with another and is to
/// be tried again.
fn sorted<R>(
    doing: &'static str,
    error: &SdkError<TransactWriteItemsError, R>,
) -> Result<Option<Vec<usize>>> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        let in_progress = error
            .as_service_error()
            .is_some_and(|e| e.is_transaction_in_progress_exception());
        return if in_progress {
            Ok(None)
        } else {
            Err(classified(doing, error))
        };
    };
    let codes: Vec<&str> = cancelled
        .cancellation_reasons()
        .iter()
        .map(|r| r.code().unwrap_or("None"))
        .collect();
    let places = |code: &str| -> Vec<usize> {
        codes
            .iter()
            .enumerate()
            .filter(|(_, c)| **c == code)
            .map(|(place, _)| place)
            .collect()
    };
    let refused = places("ConditionalCheckFailed");
    if !refused.is_empty() {
        return Ok(Some(refused));
    }
    if codes
        .iter()
        .any(|code| *code == "ValidationError" || *code == "ItemCollectionSizeLimitExceeded")
    {
        return Err(Error::Rejected("the store's limits do not allow it"));
    }
    Ok(None) // a clash, or throttling: later
}
