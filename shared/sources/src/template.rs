//! The deployment's template as plain JSON: `!Sub x` reads as `{"Fn::Sub": "x"}`, as CloudFormation
//! itself has it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// The template that this build was made with.
const TEXT: &str = include_str!("../../../infra/template.yaml");

/// The template.
#[derive(Debug)]
pub struct Template {
    whole: Value,
}

impl Template {
    /// The one that this build was made with.
    ///
    /// # Panics
    /// If it is not one YAML document of what CloudFormation reads.
    pub fn of_this_build() -> &'static Self {
        static READ: LazyLock<Template> = LazyLock::new(|| {
            let documents = YamlOwned::load_from_str(TEXT).expect("the template is YAML");
            let [document] = &documents[..] else {
                panic!("the template is one document")
            };
            Template {
                whole: plain(document),
            }
        });
        &READ
    }

    /// Its text.
    pub fn text() -> &'static str {
        TEXT
    }

    /// One of its sections: `Parameters`, `Conditions`, `Resources`.
    pub fn section(&self, name: &str) -> &Value {
        &self.whole[name]
    }

    /// A resource by its logical id.
    ///
    /// # Panics
    /// If there is none.
    pub fn resource(&self, id: &str) -> &Value {
        let found = &self.whole["Resources"][id];
        assert!(found.is_object(), "the template has no {id}");
        found
    }

    /// All resources of a type, with their logical ids.
    ///
    /// # Panics
    /// If the template has no resources.
    pub fn all(&self, kind: &str) -> Vec<(&str, &Value)> {
        self.whole["Resources"]
            .as_object()
            .expect("a template has resources")
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
            .collect()
    }

    /// A program's function.
    ///
    /// # Panics
    /// If it has none.
    pub fn function(&self, program: &str) -> &Value {
        let functions = self.all("AWS::Serverless::Function");
        let found = functions
            .iter()
            .find(|(_, it)| name_of(&it["FunctionName"]) == program);
        found.expect("the program has a function").1
    }

    /// A function's variables with their values, those that all functions share among them.
    pub fn environment(&self, program: &str) -> Vec<(&str, &Value)> {
        let own = &self.function(program)["Environment"]["Variables"];
        let shared = &self.whole["Globals"]["Function"]["Environment"]["Variables"];
        let both = [own, shared].into_iter().filter_map(Value::as_object);
        both.flatten()
            .map(|(name, value)| (name.as_str(), value))
            .collect()
    }

    /// The names of a function's variables.
    pub fn variables(&self, program: &str) -> BTreeSet<String> {
        let all = self.environment(program).into_iter();
        all.map(|(name, _)| name.to_owned()).collect()
    }

    /// The rights of a function's role, those that stand on a condition among them.
    pub fn rights(&self, program: &str) -> Vec<Value> {
        let role = target(&self.function(program)["Role"]).0;
        let policies = &self.resource(&role)["Properties"]["Policies"];
        list(policies)
            .iter()
            .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
            .flat_map(branches)
            .collect()
    }

    /// The event sources of a function; one that others call has none.
    pub fn sources(&self, program: &str) -> Vec<&Value> {
        let events = self.function(program)["Events"].as_object();
        events.into_iter().flat_map(|it| it.values()).collect()
    }
}

/// What follows `homeward-STAGE-` in a name.
pub fn name_of(name: &Value) -> String {
    let text = name["Fn::Sub"].as_str().unwrap_or_default();
    let behind = text.strip_prefix("homeward-${Stage}-");
    behind.unwrap_or("not one of our names").to_owned()
}

/// The resource and its attribute that a `!GetAtt` names.
///
/// # Panics
/// If it is not one.
pub fn target(reference: &Value) -> (String, String) {
    let text = reference["Fn::GetAtt"].as_str().unwrap_or_default();
    let (id, attribute) = text.split_once('.').expect("a !GetAtt of one attribute");
    (id.to_owned(), attribute.to_owned())
}

/// One value or many, as a policy may say either.
pub fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    }
}

/// What an `!If` may stand for; without one, the value itself.
fn branches(value: Value) -> Vec<Value> {
    let Some([_, yes, no]) = value["Fn::If"].as_array().map(Vec::as_slice) else {
        return vec![value];
    };
    let nothing = json!({ "Ref": "AWS::NoValue" });
    let branches = [yes, no].into_iter().filter(|branch| **branch != nothing);
    branches.cloned().collect()
}

fn plain(node: &YamlOwned) -> Value {
    match node {
        YamlOwned::Tagged(tag, inner) => match tag.suffix.as_str() {
            "Ref" => json!({ "Ref": plain(inner) }),
            function => Value::Object(Map::from_iter([(format!("Fn::{function}"), plain(inner))])),
        },
        YamlOwned::Sequence(items) => items.iter().map(plain).collect(),
        YamlOwned::Mapping(entries) => entries
            .iter()
            .map(|(name, value)| (word(name), plain(value)))
            .collect::<Map<_, _>>()
            .into(),
        YamlOwned::Value(ScalarOwned::String(text)) => json!(text),
        YamlOwned::Value(ScalarOwned::Integer(number)) => json!(number),
        YamlOwned::Value(ScalarOwned::FloatingPoint(number)) => json!(number.into_inner()),
        YamlOwned::Value(ScalarOwned::Boolean(truth)) => json!(truth),
        YamlOwned::Value(ScalarOwned::Null) => Value::Null,
        _ => panic!("the template holds what CloudFormation does not read"),
    }
}

fn word(name: &YamlOwned) -> String {
    name.as_str()
        .expect("names in a template are text")
        .to_owned()
}
