//! The tables: one list that the laptop creates and that the deployment's template is held to.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType, TableStatus,
};

use crate::Db;
use crate::db::error::{Error, Result, classified};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Uploads, images, sightings.
    Ads,
    /// The searchable set of ads: its tail.
    AdsTail,
    /// References, and the fingerprints of those that are not active yet.
    References,
    /// The searchable set of references: its log.
    ReferencesTail,
    /// Searches of new references through the segments of ads.
    Searches,
    /// Leads, their sightings, the outbox, which leads an image has.
    Leads,
    /// What became of alerts at webhooks.
    Deliveries,
    /// Settings, tokens, webhooks.
    Tenants,
    /// The audit logs.
    Audit,
}

impl Table {
    /// The table's name behind the deployment's prefix.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Ads => "ads",
            Self::AdsTail => "ads-tail",
            Self::References => "references",
            Self::ReferencesTail => "references-tail",
            Self::Searches => "searches",
            Self::Leads => "leads",
            Self::Deliveries => "deliveries",
            Self::Tenants => "tenants",
            Self::Audit => "audit",
        }
    }
}

/// What a table's stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamView {
    /// Items as they are after the change.
    NewImage,
}

/// A table as it must be: keys `pk` and `sk`, both strings, paid by request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// Which.
    pub table: Table,
    /// Its stream, if it has one.
    pub stream: Option<StreamView>,
}

/// Every table.
pub const TABLES: &[TableDefinition] = &[
    TableDefinition {
        table: Table::Ads,
        stream: Some(StreamView::NewImage),
    },
    TableDefinition {
        table: Table::AdsTail,
        stream: Some(StreamView::NewImage),
    },
    TableDefinition {
        table: Table::References,
        stream: None,
    },
    TableDefinition {
        table: Table::ReferencesTail,
        stream: Some(StreamView::NewImage),
    },
    TableDefinition {
        table: Table::Searches,
        stream: Some(StreamView::NewImage),
    },
    TableDefinition {
        table: Table::Leads,
        stream: Some(StreamView::NewImage),
    },
    TableDefinition {
        table: Table::Deliveries,
        stream: None,
    },
    TableDefinition {
        table: Table::Tenants,
        stream: None,
    },
    TableDefinition {
        table: Table::Audit,
        stream: None,
    },
];

impl Db {
    /// Creates the tables that are missing and waits until all can be used. For the laptop and for
    /// tests; a deployment's template creates its own. Idempotent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a table is not ready within the attempts.
    pub async fn create_tables(&self) -> Result<()> {
        for definition in TABLES {
            self.create_table(definition).await?;
        }
        for definition in TABLES {
            self.await_table(definition.table).await?;
        }
        Ok(())
    }

    async fn create_table(&self, definition: &TableDefinition) -> Result<()> {
        let request = self
            .dynamodb
            .create_table()
            .table_name(self.names.table(definition.table))
            .set_attribute_definitions(Some(vec![attribute("pk")?, attribute("sk")?]))
            .set_key_schema(Some(vec![
                key("pk", KeyType::Hash)?,
                key("sk", KeyType::Range)?,
            ]))
            .billing_mode(BillingMode::PayPerRequest)
            .set_stream_specification(definition.stream.map(stream).transpose()?);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_resource_in_use_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(classified("creating a table", &error)),
        }
    }

    async fn await_table(&self, table: Table) -> Result<()> {
        let mut attempts = self.attempts("waiting for a table");
        loop {
            let answer = self
                .dynamodb
                .describe_table()
                .table_name(self.names.table(table))
                .send()
                .await
                .map_err(|error| classified("waiting for a table", &error))?;
            if answer.table().and_then(|t| t.table_status()) == Some(&TableStatus::Active) {
                return Ok(());
            }
            attempts.again().await?;
        }
    }
}

/// What the SDK's builders refuse can only be a field that this file forgot.
fn incomplete<E>(_: E) -> Error {
    Error::Configuration("a table definition is incomplete")
}

fn attribute(name: &str) -> Result<AttributeDefinition> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(incomplete)
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .map_err(incomplete)
}

fn stream(view: StreamView) -> Result<StreamSpecification> {
    let view = match view {
        StreamView::NewImage => StreamViewType::NewImage,
    };
    StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(view)
        .build()
        .map_err(incomplete)
}
