//! Every limit of a rule, in one place. None of the engines has a budget of its own, so these are what keeps one rule
//! from eating a node. `README.md` of this room repeats them for people; a test compares the two.

/// Bytes of a condition.
pub const CONDITION_BYTES: usize = 16 * 1024;
/// Nesting of a condition's JSON.
pub const CONDITION_DEPTH: usize = 32;
/// Iterations within iterations (`map` in `filter`, `in` over data in `some` …) of a condition.
pub const CONDITION_NESTING: usize = 2;
/// Longest array of the payload a condition that iterates is evaluated on.
pub const ARRAY_ONE_LEVEL: usize = 10_000;
/// Longest array of the payload, and of the condition itself, under nested iteration.
pub const ARRAY_TWO_LEVELS: usize = 1_000;
/// Memory one evaluation of a condition may take, in bytes.
pub const CONDITION_MEMORY: usize = 64 * 1024 * 1024;

/// Bytes of one text of a template.
pub const TEMPLATE_BYTES: usize = 32 * 1024;
/// Blocks within blocks of a template.
pub const BLOCK_DEPTH: usize = 8;
/// `{{else}}`s of a template.
pub const ELSES: usize = 200;
/// `{{else if}}`s of one chain.
pub const CHAIN: usize = 32;
/// Brackets within brackets inside one `{{…}}`.
pub const BRACKET_DEPTH: usize = 8;
/// Rounds of all loops together, per rendering.
pub const ITERATIONS: usize = 10_000;
/// Steps (values looked up, blocks entered, 64 bytes of text worked on) per rendering.
pub const STEPS: usize = 200_000;
/// Languages of one text.
pub const LANGUAGES: usize = 32;

/// Characters of a rendered title, e-mail subject or button.
pub const TITLE_CHARS: usize = 500;
/// Characters of a rendered body or SMS text.
pub const BODY_CHARS: usize = 10_000;
/// Bytes of a rendered HTML part.
pub const HTML_BYTES: usize = 100 * 1024;
/// Bytes of a rendered URL.
pub const URL_BYTES: usize = 2_000;

/// Roles a rule names.
pub const ROLES: usize = 50;
/// People a rule names, and people one match reaches through `recipient_users` and `recipient_fields`.
pub const USERS: usize = 1_000;
/// Branches a rule names.
pub const BRANCHES: usize = 1_000;
/// Payload paths in `recipient_fields`.
pub const FIELDS: usize = 50;
/// Steps of `escalate`.
pub const ESCALATIONS: usize = 5;
/// Types that a rule resolves.
pub const RESOLVES: usize = 20;
/// Characters of a dedupe or throttle key as rendered.
pub const KEY_CHARS: usize = 1_000;
/// People whom one transaction tells of an event by a rule; the rest are told by others.
pub const AT_ONCE: usize = 2_000;
/// People that an outcome names beside a reason; of more it only keeps the count.
pub const NAMED: usize = 500;
/// Characters of an id of a person, role or branch.
pub const ID_CHARS: usize = 128;
/// Characters of a category.
pub const CATEGORY_CHARS: usize = 64;
/// Warnings kept of one event; what comes after them is of the same kind.
pub const WARNINGS: usize = 100;
