//! The words of each language, by Project Fluent: plural classes and order are the language's own.

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::tz::TimeZone;
use records::Timestamp;
use unic_langid::LanguageIdentifier;

type Bundle = FluentBundle<FluentResource>;

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English; what another lacks is said in it.
    English,
    /// Spanish.
    Spanish,
    /// Ukrainian.
    Ukrainian,
    /// Arabic, from right to left.
    Arabic,
}

impl Language {
    /// Every language, in the order of the foot of the page.
    pub const ALL: [Self; 4] = [Self::English, Self::Spanish, Self::Ukrainian, Self::Arabic];

    /// Its BCP 47 tag.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
            Self::Ukrainian => "uk",
            Self::Arabic => "ar",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
            Self::Ukrainian => "Українська",
            Self::Arabic => "العربية",
        }
    }

    /// `ltr` or `rtl`.
    pub fn direction(self) -> &'static str {
        match self {
            Self::Arabic => "rtl",
            _ => "ltr",
        }
    }

    /// The language of this tag.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// The first language of an `Accept-Language` header that the pages speak. (Weights are left aside:
    /// browsers send them in order.)
    pub fn of_header(header: &str) -> Option<Self> {
        let tags = header.split(',').map(str::trim);
        tags.filter_map(|tag| tag.get(..2).map(str::to_ascii_lowercase))
            .find_map(|code| Self::of_code(&code))
    }

    fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../words/en.ftl"),
            Self::Spanish => include_str!("../words/es.ftl"),
            Self::Ukrainian => include_str!("../words/uk.ftl"),
            Self::Arabic => include_str!("../words/ar.ftl"),
        }
    }

    fn bundle(self) -> &'static Bundle {
        static BUNDLES: [OnceLock<Bundle>; 4] = [const { OnceLock::new() }; 4];
        BUNDLES[self as usize].get_or_init(|| self.read())
    }

    fn read(self) -> Bundle {
        let id: LanguageIdentifier = self.code().parse().expect("a tag of ours");
        let mut bundle = Bundle::new_concurrent(vec![id]);
        // In a text from right to left, names and numbers need marks to stay whole.
        bundle.set_use_isolating(self == Self::Arabic);
        let read = FluentResource::try_new(self.source().to_owned());
        let resource = read.unwrap_or_else(|(partly, _)| partly);
        let _twice = bundle.add_resource(resource);
        bundle
    }
}

/// The words of one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words(pub Language);

impl Words {
    /// Its language's tag.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Its language's direction.
    pub fn direction(self) -> &'static str {
        self.0.direction()
    }

    /// A text.
    pub fn t(self, id: &str) -> String {
        self.with(id, &FluentArgs::new())
    }

    /// A text about a number, `$count`.
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates pass references"
    )]
    pub fn n(self, id: &str, count: &u64) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(*count));
        self.with(id, &args)
    }

    /// A text with one word of the caller's in it.
    pub fn a(self, id: &str, name: &str, value: &str) -> String {
        let mut args = FluentArgs::new();
        args.set(name.to_owned(), value.to_owned());
        self.with(id, &args)
    }

    /// A text with these numbers in it.
    pub fn numbers(self, id: &str, numbers: &[(&str, u64)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in numbers {
            args.set((*name).to_owned(), FluentValue::from(*value));
        }
        self.with(id, &args)
    }

    fn with(self, id: &str, args: &FluentArgs<'_>) -> String {
        let said = say(self.0, id, args).or_else(|| say(Language::English, id, args));
        said.unwrap_or_else(|| id.to_owned())
    }

    /// A point in time: `28 Nov 2026, 21:40 UTC`.
    pub fn time(self, at: Timestamp) -> String {
        let at = jiff::Timestamp::from(at).to_zoned(TimeZone::UTC);
        let month = self.t(&format!("month-{}", at.month()));
        let (day, year) = (at.day(), at.year());
        format!(
            "{day} {month} {year}, {:02}:{:02} UTC",
            at.hour(),
            at.minute()
        )
    }

    /// A day: `28 Nov 2026`.
    pub fn day(self, at: Timestamp) -> String {
        let whole = self.time(at);
        whole.split(',').next().unwrap_or_default().to_owned()
    }

    /// How long something has waited, in its largest unit.
    pub fn span(self, span: std::time::Duration) -> String {
        let minutes = span.as_secs() / 60;
        match minutes {
            0..60 => self.n("span-minutes", &minutes),
            60..2_880 => self.n("span-hours", &(minutes / 60)),
            _ => self.n("span-days", &(minutes / 1_440)),
        }
    }
}

fn say(language: Language, id: &str, args: &FluentArgs<'_>) -> Option<String> {
    let bundle = language.bundle();
    let pattern = bundle.get_message(id)?.value()?;
    let mut faults = Vec::new();
    Some(
        bundle
            .format_pattern(pattern, Some(args), &mut faults)
            .into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Each text's name and the variables in it.
    fn texts(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let source = language.source();
        assert!(
            FluentResource::try_new(source.to_owned()).is_ok(),
            "{language:?} has a fault"
        );
        let (mut found, mut name) = (BTreeMap::new(), String::new());
        for line in source.lines() {
            let is_head = line.starts_with(|c: char| c.is_ascii_lowercase());
            if let (true, Some((id, _))) = (is_head, line.split_once(" =")) {
                name = id.to_owned();
                let twice = found.insert(name.clone(), BTreeSet::new());
                assert!(twice.is_none(), "{name} is there twice in {language:?}");
            }
            for variable in line.split('$').skip(1) {
                let end = variable.find(|c: char| !c.is_ascii_lowercase());
                let variable = &variable[..end.unwrap_or(variable.len())];
                found
                    .entry(name.clone())
                    .or_default()
                    .insert(variable.to_owned());
            }
        }
        found
    }

    #[test]
    fn every_language_has_the_same_texts_with_the_same_variables() {
        let english = texts(Language::English);
        for language in Language::ALL {
            let others = texts(language);
            for (id, variables) in &english {
                assert_eq!(others.get(id), Some(variables), "{id} in {language:?}");
            }
            assert_eq!(others.len(), english.len(), "{language:?}");
        }
    }

    #[test]
    fn every_text_that_a_template_names_is_there() {
        let english = texts(Language::English);
        let templates = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"));
        let mut named = 0;
        for template in templates.expect("templates") {
            let text = std::fs::read_to_string(template.expect("a file").path()).expect("text");
            for call in ["words.t(\"", "words.n(\"", "words.a(\""] {
                for rest in text.split(call).skip(1) {
                    let id = rest.split('"').next().unwrap_or_default();
                    assert!(english.contains_key(id), "no text is named {id}");
                    named += 1;
                }
            }
        }
        assert!(named > 200, "the check sees the templates");
    }

    #[test]
    fn plural_classes_are_the_languages_own() {
        let said = |language, count: u64| Words(language).n("inbox-waiting", &count);
        assert_eq!(said(Language::English, 1), "1 lead waits for a person");
        assert_eq!(said(Language::English, 12), "12 leads wait for a person");
        let classes = |language| {
            (0..=111)
                .map(|n| said(language, n).replace(|c: char| c.is_numeric(), ""))
                .collect::<BTreeSet<_>>()
                .len()
        };
        assert_eq!(
            (classes(Language::Ukrainian), classes(Language::Arabic)),
            (4, 6)
        );
    }

    #[test]
    fn the_first_language_that_is_spoken_is_taken() {
        let of = Language::of_header;
        assert_eq!(
            of("de-DE,de;q=0.9,uk;q=0.8,en;q=0.7"),
            Some(Language::Ukrainian)
        );
        assert_eq!(
            (of("ar-EG"), of("tlh"), of("")),
            (Some(Language::Arabic), None, None)
        );
        assert_eq!(of("\u{439},es"), Some(Language::Spanish));
    }

    #[test]
    fn a_time_says_its_zone() {
        let at = Timestamp::parse("2026-11-28T21:40:07Z").expect("a time");
        assert_eq!(Words(Language::English).time(at), "28 Nov 2026, 21:40 UTC");
        assert_eq!(Words(Language::Spanish).day(at), "28 nov 2026");
    }
}
