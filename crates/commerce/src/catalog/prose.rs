//! Long texts as merchants type them, and the HTML they become.

/// Paragraphs and lists out of plain text, everything else escaped: whatever was typed, the result is harmless.
///
/// A blank line ends a paragraph. Lines that begin with `- ` are items of a list. A line that begins with `## ` is a
/// heading. A single line break stays one.
pub fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len().saturating_add(64));
    let mut open = Open::Nothing;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            open.close(&mut html);
        } else if let Some(heading) = line.strip_prefix("## ") {
            open.close(&mut html);
            html.push_str("<h3>");
            escape(heading, &mut html);
            html.push_str("</h3>");
        } else if let Some(item) = line.strip_prefix("- ") {
            if !matches!(open, Open::List) {
                open.close(&mut html);
                html.push_str("<ul>");
                open = Open::List;
            }
            html.push_str("<li>");
            escape(item, &mut html);
            html.push_str("</li>");
        } else {
            if matches!(open, Open::Paragraph) {
                html.push_str("<br>");
            } else {
                open.close(&mut html);
                html.push_str("<p>");
                open = Open::Paragraph;
            }
            escape(line, &mut html);
        }
    }
    open.close(&mut html);
    html
}

enum Open {
    Nothing,
    Paragraph,
    List,
}

impl Open {
    fn close(&mut self, html: &mut String) {
        html.push_str(match self {
            Self::Nothing => "",
            Self::Paragraph => "</p>",
            Self::List => "</ul>",
        });
        *self = Self::Nothing;
    }
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paragraphs_lists_and_headings_come_out_as_such() {
        assert_eq!(
            to_html("One.\nStill one.\n\n## Care\n- Wash\n- Dry\nAfter"),
            "<p>One.<br>Still one.</p><h3>Care</h3><ul><li>Wash</li><li>Dry</li></ul><p>After</p>"
        );
        assert_eq!(to_html(" \n\n"), "");
    }

    #[test]
    fn markup_in_a_description_is_shown_and_not_obeyed() {
        assert_eq!(
            to_html("<script>alert('x')</script>"),
            "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</p>"
        );
    }

    proptest! {
        #[test]
        fn only_our_own_tags_ever_come_out(text in "\\PC{0,200}") {
            let mut rest = to_html(&text);
            for tag in ["<p>", "</p>", "<ul>", "</ul>", "<li>", "</li>", "<h3>", "</h3>", "<br>"] {
                rest = rest.replace(tag, "");
            }
            prop_assert!(!rest.contains('<') && !rest.contains('>'));
        }
    }
}
