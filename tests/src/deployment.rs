//! The template with its parameters filled in, as far as a function can see of it: names,
//! variables, limits, and what wakes it.

use std::collections::BTreeMap;

use serde_json::Value;
use store::Names;

use ::sources::template::Template;

/// The account and the region that tests are in.
const PSEUDO_PARAMETERS: [(&str, &str); 4] = [
    ("AWS::AccountId", "000000000000"),
    ("AWS::Region", embedded::REGION),
    ("AWS::Partition", "aws"),
    ("AWS::URLSuffix", "amazonaws.com"),
];

/// The template, deployed in thought.
#[derive(Clone)]
pub struct Deployment {
    parameters: BTreeMap<String, String>,
}

/// What a function has to live with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `MemorySize`.
    pub memory_mib: u64,
    /// `Timeout`.
    pub time_s: u64,
}

impl Deployment {
    /// With these parameters; the template's defaults for the others.
    ///
    /// # Panics
    /// If the template has no such parameter.
    pub fn with(parameters: &[(&str, &str)]) -> Self {
        let template = Template::of_this_build();
        let declared = template.section("Parameters").as_object();
        let mut all: BTreeMap<String, String> = declared
            .expect("the template has parameters")
            .iter()
            .map(|(name, it)| (name.clone(), text(&it["Default"])))
            .collect();
        for (name, value) in parameters {
            let known = all.insert((*name).to_owned(), (*value).to_owned());
            assert!(known.is_some(), "the template has no parameter {name}");
        }
        all.extend(PSEUDO_PARAMETERS.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self { parameters: all }
    }

    /// What its buckets and tables are called.
    ///
    /// # Panics
    /// If the template has no such resources.
    pub fn names(&self) -> Names {
        let template = Template::of_this_build();
        let bucket = |id: &str| self.name(template, id);
        let shared = template.environment("ingest");
        let prefix = shared
            .iter()
            .find(|(name, _)| *name == "HOMEWARD_TABLE_PREFIX")
            .expect("functions are told the tables' prefix");
        Names {
            table_prefix: text(&self.filled(template, prefix.1)),
            ads_bucket: bucket("AdsBucket"),
            references_bucket: bucket("ReferencesBucket"),
            segments_bucket: bucket("SegmentsBucket"),
        }
    }

    /// The variables that the template gives to a program's function.
    pub fn environment(&self, program: &str) -> Vec<(String, String)> {
        let template = Template::of_this_build();
        let variables = template.environment(program).into_iter();
        variables
            .map(|(name, value)| (name.to_owned(), self.filled(template, value)))
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, text(&value)))
            .collect()
    }

    /// The limits of a program's function.
    ///
    /// # Panics
    /// If the template does not say them.
    pub fn limits(&self, program: &str) -> Limits {
        let template = Template::of_this_build();
        let number = |name: &str| {
            let set = &template.function(program)[name];
            set.as_u64().unwrap_or_else(|| panic!("{program}: {name}"))
        };
        Limits {
            memory_mib: number("MemorySize"),
            time_s: number("Timeout"),
        }
    }

    /// The name of a program's function.
    pub fn function_name(&self, program: &str) -> String {
        let template = Template::of_this_build();
        text(&self.filled(template, &template.function(program)["FunctionName"]))
    }

    /// A value of the template, filled in; null for `AWS::NoValue`.
    fn filled(&self, template: &Template, value: &Value) -> Value {
        let Some((function, argument)) = value.as_object().and_then(|it| it.iter().next()) else {
            return value.clone();
        };
        match function.as_str() {
            "Ref" => self.referred(template, argument.as_str().unwrap_or_default()),
            "Fn::Sub" => Value::from(self.substituted(argument.as_str().unwrap_or_default())),
            "Fn::If" => {
                let holds = self.holds(
                    template,
                    &template.section("Conditions")[text(&argument[0])],
                );
                self.filled(template, &argument[if holds { 1 } else { 2 }])
            }
            other => panic!("nobody fills in {other} yet"),
        }
    }

    fn referred(&self, template: &Template, name: &str) -> Value {
        match self.parameters.get(name) {
            Some(value) => Value::from(value.as_str()),
            None if name == "AWS::NoValue" => Value::Null,
            None => Value::from(self.name(template, name)),
        }
    }

    /// The name of a resource, which its properties spell out.
    fn name(&self, template: &Template, id: &str) -> String {
        let properties = &template.resource(id)["Properties"];
        let names = [
            "BucketName",
            "TableName",
            "QueueName",
            "TopicName",
            "FunctionName",
        ];
        let name = names.iter().find_map(|name| properties.get(name));
        let name = name.unwrap_or_else(|| panic!("{id} has no name"));
        text(&self.filled(template, name))
    }

    fn substituted(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut all = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a closed ${");
            all += match self.parameters.get(name) {
                Some(value) => value,
                None if name == "Api" => "homeward", // an id that AWS draws
                None => panic!("what stands for {name} is not known yet"),
            };
            all += rest;
        }
        all
    }

    fn holds(&self, template: &Template, condition: &Value) -> bool {
        if let Some([one, other]) = condition["Fn::Equals"].as_array().map(Vec::as_slice) {
            return text(&self.filled(template, one)) == text(&self.filled(template, other));
        }
        match condition["Fn::Not"].as_array().map(Vec::as_slice) {
            Some([inner]) => !self.holds(template, inner),
            _ => panic!("nobody decides {condition} yet"),
        }
    }
}

/// CloudFormation knows texts only.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
