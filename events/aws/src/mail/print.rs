//! Mails as text for people.

use std::io::{self, Write};

use handover::terminal::{Style, count, visible};

use super::{Outbox, OutboxMail};
use crate::clock::time_of_day;

/// Prints mails.
#[derive(Debug)]
pub(crate) struct Printer<W> {
    writer: W,
    style: Style,
}

impl<W: Write> Printer<W> {
    /// Prints to `writer`.
    pub(crate) fn new(writer: W, style: Style) -> Self {
        Self { writer, style }
    }

    /// One line for each mail.
    pub(crate) fn list(&mut self, outbox: &Outbox) -> io::Result<()> {
        let Outbox { place, mails, .. } = outbox;
        for mail in mails {
            writeln!(
                self.writer,
                "{:>4}  {}  {:<32} {}",
                mail.number,
                self.style.dim(&time(mail)),
                visible(&mail.to.join(", ")),
                visible(&mail.subject),
            )?;
        }
        let next = if mails.is_empty() {
            "`flotilla subscribe ADDRESS` makes one"
        } else {
            "`flotilla mail latest` shows the last one"
        };
        let all = format!(
            "{} in the outbox of {place}; {next}",
            count(mails.len(), "mail")
        );
        writeln!(self.writer, "{}", self.style.dim(&visible(&all)))
    }

    /// One mail, its headers and its text part.
    pub(crate) fn mail(&mut self, mail: &OutboxMail) -> io::Result<()> {
        let (recipients, time) = (mail.to.join(", "), time(mail));
        let headers = [
            ("From", mail.from.as_str()),
            ("To", &recipients),
            ("Subject", &mail.subject),
            ("Sent", &time),
            ("Id", &mail.message_id),
        ];
        for (name, value) in headers {
            let name = format!("{:<9}", format!("{name}:"));
            writeln!(self.writer, "{}{}", self.style.dim(&name), visible(value))?;
        }
        writeln!(self.writer)?;
        for line in mail.text.lines() {
            writeln!(self.writer, "{}", visible(line))?;
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970, shown; what is no time saturates"
)]
fn time(mail: &OutboxMail) -> String {
    time_of_day((mail.sent * 1_000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_shown_as_text_that_steers_no_terminal() {
        let mail = OutboxMail {
            number: 1,
            message_id: "m1".to_owned(),
            sent: 1_773_480_413.589,
            from: "MyBlog <hello@example.com>".to_owned(),
            to: vec!["ann@example.com".to_owned()],
            subject: "Welcome\x1b[2J".to_owned(),
            text: "Hello Ann,\r\n\r\nwelcome.\r\n".to_owned(),
            html: None,
        };
        let mut text = Vec::new();
        let mut printer = Printer::new(&mut text, Style::plain());
        let outbox = |mails| Outbox {
            version: Outbox::VERSION,
            place: "local AWS".to_owned(),
            mails,
        };
        printer.list(&outbox(vec![mail.clone()])).unwrap();
        printer.mail(&mail).unwrap();
        printer.list(&outbox(Vec::new())).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r"
           1  09:26:53.589  ann@example.com                  Welcome\u{1b}[2J
        1 mail in the outbox of local AWS; `flotilla mail latest` shows the last one
        From:    MyBlog <hello@example.com>
        To:      ann@example.com
        Subject: Welcome\u{1b}[2J
        Sent:    09:26:53.589
        Id:      m1

        Hello Ann,

        welcome.
        0 mails in the outbox of local AWS; `flotilla subscribe ADDRESS` makes one
        ");
    }
}
