//! Names from outside, escaped and visible.

/// Text for an HTML element or a quoted attribute.
///
/// In addition to the characters of markup, those that would hide or reorder what a person reads
/// (controls, and the marks of text direction) become `\u{…}`.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Text for one cell of a Markdown table.
pub(crate) fn markdown_cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' => out.extend(['\\', c]),
            c if is_unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Controls, and the invisible characters that change the direction or the joining of text.
fn is_unseen(c: char) -> bool {
    let directs =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    c.is_control() || directs || matches!(c, '\u{61c}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_name_stays_a_name() {
        assert_eq!(
            html(r#"<img src=x onerror="a('b')">&"#),
            "&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;"
        );
    }

    #[test]
    fn a_name_cannot_reorder_or_hide_text() {
        assert_eq!(html("gpj.\u{202e}exe\0\n"), "gpj.\\u{202e}exe\\u{0}\\u{a}");
        assert_eq!(html("Ærøskøbing 写真.jpg"), "Ærøskøbing 写真.jpg");
    }

    #[test]
    fn a_cell_cannot_leave_its_column() {
        assert_eq!(markdown_cell("a|b\nc*"), "a\\|b c\\*");
    }
}
