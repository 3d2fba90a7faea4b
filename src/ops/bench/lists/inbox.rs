//! What is asked about inboxes and people: pages by every filter, counts, changes; people by every filter, one of them, their wishes.

use crate::directory::store::WALKED as PEOPLE_WALKED;
use crate::notifications::store::WALKED;

use super::{Answer, PAGE, World, list_of, quoted, read};

pub(super) fn answers(world: &World) -> Vec<Answer> {
    let mut answers = inboxes(world);
    answers.extend(people(world));
    answers
}

fn inboxes(world: &World) -> Vec<Answer> {
    let mut answers = Vec::new();
    let latest = world.notifications;
    let (limit, walked) = (PAGE.to_string(), WALKED.to_string());
    for (whose, user) in [
        ("a very large inbox", "'u1'"),
        ("one all read", "'u2'"),
        ("an ordinary inbox", "'u250'"),
    ] {
        // Parameters 3 to 7: read, archived, severity, category, module.
        for (filter, given) in [
            ("as it opens", ["null", "false", "null", "null", "null"]),
            ("unread", ["false", "false", "null", "null", "null"]),
            ("read", ["true", "false", "null", "null", "null"]),
            ("only archived", ["null", "true", "null", "null", "null"]),
            ("severity", ["null", "false", "'critical'", "null", "null"]),
            (
                "a rare category",
                ["null", "null", "null", "'rare'", "null"],
            ),
            (
                "source_module",
                ["null", "false", "null", "null", "'security'"],
            ),
        ] {
            for (place, below) in [
                ("first page", i64::MAX),
                ("middle", latest / 2),
                ("deep", latest / 50),
            ] {
                let below = below.to_string();
                let mut args = vec![user, below.as_str()];
                args.extend(given);
                args.extend([limit.as_str(), &walked, "false", "null"]);
                answers.push(
                    Answer::new(format!("notifications, {whose}, {filter}, {place}"))
                        .then(read!("notifications/list"), &args)
                        .then(read!("notifications/stretch"), &[user, &below, &walked]),
                );
            }
        }
        answers.push(
            Answer::new(format!("notifications count, {whose}"))
                .then(read!("notifications/count"), &[user]),
        );
        answers.push(
            Answer::new(format!(
                "notifications changes, {whose}, from the beginning"
            ))
            .then(
                read!("notifications/changes"),
                &[&format!("array[{user}]"), "'{0}'", "500"],
            ),
        );
        answers.push(
            Answer::new(format!("neurolink_user_timeline, {whose}")).then(
                ("-", "select * from neurolink_user_timeline($1, 50)"),
                &[user],
            ),
        );
        answers.push(
            Answer::new(format!("mark all read, what is unread, {whose}")).then(
                read!("notifications/unread_ids"),
                &[user, "0", &i64::MAX.to_string(), "500", &walked],
            ),
        );
    }
    answers.push(
        Answer::new("notification")
            .then(read!("notifications/get"), &["'u1'", &latest.to_string()]),
    );
    let crowd: Vec<String> = (1..=200).map(|n| format!("u{n}")).collect();
    let crowd = quoted(&format!("{{{}}}", crowd.join(",")));
    answers
        .push(Answer::new("revisions of 200 readers").then(read!("stream/revisions"), &[&crowd]));
    let since = list_of(&vec![latest - 500; 200]);
    answers.push(
        Answer::new("changes of 200 readers")
            .then(read!("notifications/changes"), &[&crowd, &since, "100"]),
    );
    answers
}

fn people(world: &World) -> Vec<Answer> {
    let mut answers = Vec::new();
    let (limit, walked) = (PAGE.to_string(), PEOPLE_WALKED.to_string());
    // Parameters 2 to 5: role, branch, active, pattern.
    for (filter, given) in [
        ("all", ["null", "null", "null", "null"]),
        ("role", ["'role_3'", "null", "null", "null"]),
        (
            "a role that nobody holds",
            ["'nobody'", "null", "null", "null"],
        ),
        ("branch", ["null", "'B7'", "null", "null"]),
        (
            "inactive, of whom there are none",
            ["null", "null", "false", "null"],
        ),
        ("text that many have", ["null", "null", "null", "'%nadia%'"]),
        ("text that nobody has", ["null", "null", "null", "'%qqq%'"]),
    ] {
        for (place, after) in [("first page", "''"), ("middle", "'u5'"), ("deep", "'u98'")] {
            let mut args = vec![after];
            args.extend(given);
            args.extend([limit.as_str(), &walked]);
            answers.push(
                Answer::new(format!("people, {filter}, {place}"))
                    .then_fresh(read!("directory/list"), &args)
                    .then_fresh(read!("directory/stretch"), &[after, &walked]),
            );
        }
    }
    let last = quoted(&format!("u{}", world.people));
    answers.push(
        Answer::new("person with preferences")
            .then(read!("directory/get"), &[&last])
            .then(read!("preferences/is_known"), &[&last])
            .then(read!("preferences/get"), &[&last]),
    );
    answers.push(Answer::new("whose the directory is").then(read!("directory/is_ours"), &[]));
    answers
}
