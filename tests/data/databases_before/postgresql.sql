
CREATE SCHEMA alerting;

CREATE SCHEMA audit;

CREATE SCHEMA email;

CREATE SCHEMA maintenance;

CREATE SCHEMA report;

CREATE SCHEMA scheduler;

CREATE SCHEMA sms;

CREATE SCHEMA webhook;

CREATE TABLE alerting.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE alerting.channels (
    channel character varying(64) NOT NULL,
    digest_at timestamp with time zone,
    tries integer NOT NULL,
    held_by character varying(36),
    held_until timestamp with time zone
);

CREATE TABLE alerting.concern_notices (
    cause character varying(16) NOT NULL,
    channel character varying(64) NOT NULL,
    role character varying(16) NOT NULL,
    due_at timestamp with time zone,
    told_episode integer NOT NULL,
    told_state character varying(16) NOT NULL,
    told_count integer NOT NULL,
    told_at timestamp with time zone,
    quiet_until timestamp with time zone,
    next_at timestamp with time zone,
    tries integer NOT NULL,
    held_by character varying(36),
    held_until timestamp with time zone
);

CREATE TABLE alerting.concerns (
    cause character varying(16) NOT NULL,
    about character varying(16) NOT NULL,
    name character varying(255) NOT NULL,
    what character varying(255) NOT NULL,
    state character varying(16) NOT NULL,
    episode integer NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    closed_by character varying(255) NOT NULL,
    total integer NOT NULL,
    unsettled integer NOT NULL,
    muted_until timestamp with time zone,
    muted_by character varying(255) NOT NULL,
    mute_reason text NOT NULL
);

CREATE TABLE alerting.conditions (
    cause character varying(16) NOT NULL,
    source character varying(255) NOT NULL,
    key character varying(512) NOT NULL,
    severity character varying(16) NOT NULL,
    text text NOT NULL,
    advice text NOT NULL,
    since timestamp with time zone NOT NULL
);

CREATE TABLE alerting.failure_groups (
    cause character varying(16) NOT NULL,
    queue character varying(255) NOT NULL,
    error_type character varying(255) NOT NULL,
    folded_error text NOT NULL,
    error text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    count integer NOT NULL,
    notified_at timestamp with time zone,
    place character varying(255) DEFAULT ''::character varying NOT NULL
);

CREATE TABLE alerting.failure_trend (
    cause character varying(16) NOT NULL,
    at timestamp with time zone NOT NULL,
    count integer NOT NULL
);

CREATE TABLE alerting.failures (
    queue character varying(255) NOT NULL,
    message_id character varying(255) NOT NULL,
    kind character varying(255) NOT NULL,
    cause character varying(16) NOT NULL,
    error_type character varying(255) NOT NULL,
    error text NOT NULL,
    payload text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    last_death character varying(512) NOT NULL,
    count integer NOT NULL,
    attempts integer NOT NULL,
    replays integer NOT NULL,
    state character varying(16) DEFAULT 'open'::character varying NOT NULL
);

CREATE TABLE alerting.heard (
    topic character varying(20) NOT NULL,
    service character varying(255) NOT NULL,
    instance character varying(255) NOT NULL,
    is_open boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    reason text NOT NULL,
    late_seconds double precision NOT NULL,
    due integer NOT NULL,
    heard_at timestamp with time zone NOT NULL
);

CREATE TABLE alerting.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE alerting.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE alerting.history_id_seq OWNED BY alerting.history.id;

CREATE TABLE alerting.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE alerting.lone_messages (
    token character varying(36) NOT NULL,
    channel character varying(64) NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE alerting.settlements (
    queue character varying(255) NOT NULL,
    message_id character varying(255) NOT NULL,
    done_replays integer NOT NULL,
    discarded_at timestamp with time zone,
    at timestamp with time zone NOT NULL
);

CREATE TABLE alerting.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE audit.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE audit.dead_letter_events (
    message_id character varying(512) NOT NULL,
    queue character varying(255) NOT NULL,
    told_by character varying(255) NOT NULL,
    at timestamp with time zone NOT NULL,
    what character varying(10) NOT NULL,
    who character varying(255),
    replays bigint,
    reason text,
    was text,
    kind character varying(255)
);

CREATE TABLE audit.events (
    id bigint NOT NULL,
    kind character varying(255) NOT NULL,
    at timestamp with time zone NOT NULL,
    message_id character varying(255),
    correlation_id character varying(255),
    app_id character varying(255),
    body text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);

CREATE SEQUENCE audit.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE audit.events_id_seq OWNED BY audit.events.id;

CREATE TABLE audit.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE audit.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE audit.history_id_seq OWNED BY audit.history.id;

CREATE TABLE audit.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE audit.job_measurements (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    seconds double precision NOT NULL,
    service character varying(255) NOT NULL,
    queue character varying(255) NOT NULL,
    outcome character varying(10) NOT NULL,
    milliseconds double precision NOT NULL,
    count integer NOT NULL,
    message_id character varying(255) NOT NULL
);

CREATE SEQUENCE audit.job_measurements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE audit.job_measurements_id_seq OWNED BY audit.job_measurements.id;

CREATE TABLE audit.tries (
    id bigint NOT NULL,
    try_id character varying(64) NOT NULL,
    at timestamp with time zone NOT NULL,
    service character varying(255) NOT NULL,
    queue character varying(255) NOT NULL,
    kind character varying(255) NOT NULL,
    message_id character varying(512) NOT NULL,
    correlation_id character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempt bigint NOT NULL,
    attempts bigint,
    replays bigint NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    place character varying(255),
    milliseconds double precision NOT NULL,
    next_at timestamp with time zone,
    recipients text
);

CREATE SEQUENCE audit.tries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE audit.tries_id_seq OWNED BY audit.tries.id;

CREATE TABLE audit.try_recipients (
    try_id character varying(64) NOT NULL,
    digest character varying(64) NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE audit.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE email.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE email.email_recipients (
    queue character varying(255) NOT NULL,
    job_id character varying(255) NOT NULL,
    recipient character varying(320) NOT NULL,
    outcome character varying(20) NOT NULL,
    answer character varying(300) NOT NULL,
    round integer NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE email.email_suppressions (
    address character varying(320) NOT NULL,
    reason character varying(300) NOT NULL,
    since timestamp with time zone NOT NULL
);

CREATE TABLE email.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE email.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE email.history_id_seq OWNED BY email.history.id;

CREATE TABLE email.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE email.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE maintenance.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE maintenance.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE maintenance.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE maintenance.history_id_seq OWNED BY maintenance.history.id;

CREATE TABLE maintenance.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE maintenance.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE report.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE report.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE report.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE report.history_id_seq OWNED BY report.history.id;

CREATE TABLE report.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE report.report_cancellations (
    job_id character varying(255) NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE report.report_documents (
    job_id character varying(255) NOT NULL,
    part character varying(200) NOT NULL,
    object_key character varying(300) NOT NULL,
    rows bigint NOT NULL,
    pages integer NOT NULL,
    bytes bigint NOT NULL,
    sha256 character varying(64) NOT NULL
);

CREATE TABLE report.report_runs (
    job_id character varying(255) NOT NULL,
    type character varying(100) NOT NULL,
    format character varying(10) NOT NULL,
    initiated_by text NOT NULL,
    fingerprint character varying(64) NOT NULL,
    moment timestamp with time zone NOT NULL,
    state character varying(20) NOT NULL,
    rows bigint NOT NULL,
    pages integer NOT NULL,
    documents integer NOT NULL,
    object_key character varying(300),
    url text,
    bytes bigint,
    sha256 character varying(64),
    error character varying(1000),
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone
);

CREATE TABLE report.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE scheduler.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE scheduler.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE scheduler.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE scheduler.history_id_seq OWNED BY scheduler.history.id;

CREATE TABLE scheduler.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE scheduler.schedules (
    name character varying(300) NOT NULL,
    source character varying(10) NOT NULL,
    definition text NOT NULL,
    is_paused boolean NOT NULL,
    next_at timestamp with time zone,
    last_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL,
    changed_by character varying(255) NOT NULL
);

CREATE TABLE scheduler.ticks (
    schedule character varying(300) NOT NULL,
    fire_time timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    state character varying(10) NOT NULL,
    exchange character varying(255) NOT NULL,
    kind character varying(255) NOT NULL,
    body text NOT NULL,
    headers text NOT NULL,
    message_id character varying(255) NOT NULL,
    correlation_id character varying(255),
    app_id character varying(255),
    claimed_until timestamp with time zone,
    published_at timestamp with time zone,
    finished_at timestamp with time zone,
    error character varying(1000)
);

CREATE TABLE scheduler.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE sms.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE sms.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE sms.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE sms.history_id_seq OWNED BY sms.history.id;

CREATE TABLE sms.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE sms.sms_opted_out (
    number character varying(16) NOT NULL,
    reason character varying(300) NOT NULL,
    since timestamp with time zone NOT NULL
);

CREATE TABLE sms.sms_parts (
    gateway character varying(20) NOT NULL,
    provider_id character varying(255) NOT NULL,
    queue character varying(255),
    job_id character varying(255),
    state character varying(11) NOT NULL,
    reason character varying(300),
    at timestamp with time zone NOT NULL
);

CREATE TABLE sms.sms_texts (
    queue character varying(255) NOT NULL,
    job_id character varying(255) NOT NULL,
    to_masked character varying(40) NOT NULL,
    to_hash character varying(64),
    sender character varying(16),
    encoding character varying(5) NOT NULL,
    segments integer NOT NULL,
    state character varying(11) NOT NULL,
    may_be_double boolean NOT NULL,
    gateway character varying(20),
    reason character varying(300),
    round integer NOT NULL,
    at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    ended_at timestamp with time zone,
    announced_at timestamp with time zone
);

CREATE TABLE sms.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

CREATE TABLE webhook.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE webhook.history (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    queue character varying(255) NOT NULL,
    message_id character varying(512),
    correlation_id character varying(255),
    attempt integer NOT NULL,
    replays integer NOT NULL,
    outcome character varying(10) NOT NULL,
    error_type character varying(255),
    error text,
    milliseconds double precision NOT NULL,
    try_id character varying(64),
    kind character varying(255),
    app_id character varying(255),
    published_at timestamp with time zone,
    attempts integer,
    place character varying(255),
    next_at timestamp with time zone,
    recipients text,
    holder character varying(64),
    is_told boolean DEFAULT true NOT NULL
);

CREATE SEQUENCE webhook.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE webhook.history_id_seq OWNED BY webhook.history.id;

CREATE TABLE webhook.inbox (
    queue character varying(255) NOT NULL,
    identity character varying(512) NOT NULL,
    state character varying(10) NOT NULL,
    holder character varying(64) NOT NULL,
    starts integer NOT NULL,
    finished_at timestamp with time zone
);

CREATE TABLE webhook.webhook_attempts (
    id integer NOT NULL,
    message_id character varying(255) NOT NULL,
    attempt integer NOT NULL,
    replays integer NOT NULL,
    at timestamp with time zone NOT NULL,
    host character varying(300) NOT NULL,
    path character varying(500) NOT NULL,
    status integer,
    error character varying(1000),
    response text NOT NULL,
    milliseconds integer NOT NULL
);

CREATE SEQUENCE webhook.webhook_attempts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE webhook.webhook_attempts_id_seq OWNED BY webhook.webhook_attempts.id;

CREATE TABLE webhook.webhook_items (
    source character varying(128) NOT NULL,
    item_id character varying(255) NOT NULL,
    hash character varying(64),
    version integer NOT NULL,
    run integer NOT NULL
);

CREATE TABLE webhook.webhook_sources (
    name character varying(128) NOT NULL,
    description character varying(64) NOT NULL,
    run integer NOT NULL,
    pages integer NOT NULL,
    cursor text,
    etag text,
    last_modified text,
    finished_at timestamp with time zone,
    held_by character varying(255),
    held_until timestamp with time zone
);

CREATE TABLE webhook.workers (
    holder character varying(64) NOT NULL,
    beats integer NOT NULL
);

ALTER TABLE ONLY alerting.history ALTER COLUMN id SET DEFAULT nextval('alerting.history_id_seq'::regclass);

ALTER TABLE ONLY audit.events ALTER COLUMN id SET DEFAULT nextval('audit.events_id_seq'::regclass);

ALTER TABLE ONLY audit.history ALTER COLUMN id SET DEFAULT nextval('audit.history_id_seq'::regclass);

ALTER TABLE ONLY audit.job_measurements ALTER COLUMN id SET DEFAULT nextval('audit.job_measurements_id_seq'::regclass);

ALTER TABLE ONLY audit.tries ALTER COLUMN id SET DEFAULT nextval('audit.tries_id_seq'::regclass);

ALTER TABLE ONLY email.history ALTER COLUMN id SET DEFAULT nextval('email.history_id_seq'::regclass);

ALTER TABLE ONLY maintenance.history ALTER COLUMN id SET DEFAULT nextval('maintenance.history_id_seq'::regclass);

ALTER TABLE ONLY report.history ALTER COLUMN id SET DEFAULT nextval('report.history_id_seq'::regclass);

ALTER TABLE ONLY scheduler.history ALTER COLUMN id SET DEFAULT nextval('scheduler.history_id_seq'::regclass);

ALTER TABLE ONLY sms.history ALTER COLUMN id SET DEFAULT nextval('sms.history_id_seq'::regclass);

ALTER TABLE ONLY webhook.history ALTER COLUMN id SET DEFAULT nextval('webhook.history_id_seq'::regclass);

ALTER TABLE ONLY webhook.webhook_attempts ALTER COLUMN id SET DEFAULT nextval('webhook.webhook_attempts_id_seq'::regclass);

INSERT INTO alerting.alembic_version VALUES ('alerting_watching_0001');
INSERT INTO alerting.alembic_version VALUES ('alerting_0003');
INSERT INTO alerting.alembic_version VALUES ('runtime_0002');

INSERT INTO alerting.concern_notices VALUES ('ad624b32bd', 'log', 'first', NULL, 1, 'open', 1, '2026-11-30 00:03:18.765568+00', '2026-11-29 23:33:18.613775+00', '2026-11-30 00:18:18.765568+00', 0, NULL, NULL);
INSERT INTO alerting.concern_notices VALUES ('2a30c409a9', 'log', 'first', NULL, 1, 'open', 1, '2026-11-30 00:03:22.91182+00', '2026-11-29 23:33:22.659325+00', '2026-11-30 00:18:22.91182+00', 0, NULL, NULL);

INSERT INTO alerting.concerns VALUES ('2a30c409a9', 'failures', 'sms.send', 'InvalidNumber', 'open', 1, '2026-11-30 00:03:22.517406+00', '2026-11-30 00:03:22.469543+00', NULL, '', 1, 1, NULL, '', '');
INSERT INTO alerting.concerns VALUES ('ad624b32bd', 'failures', 'email.send', 'UnknownTemplate', 'open', 1, '2026-11-30 00:03:18.427292+00', '2026-11-30 00:03:58.389122+00', NULL, '', 3, 2, '2026-12-30 00:04:02.478284+00', 'operator', 'known');

INSERT INTO alerting.failure_groups VALUES ('2a30c409a9', 'sms.send', 'InvalidNumber', 'to: ••• is not a phone number', 'to: ••• is not a phone number', '2026-11-30 00:03:22.469543+00', '2026-11-30 00:03:22.469543+00', 1, '2026-11-30 00:03:22.91182+00', 'services.sms.numbers.NumberReader.read');
INSERT INTO alerting.failure_groups VALUES ('ad624b32bd', 'email.send', 'UnknownTemplate', 'template: there is no <value>; there are password-reset, report-ready, welcome', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', '2026-11-30 00:03:18.403895+00', '2026-11-30 00:03:58.389122+00', 3, '2026-11-30 00:03:18.765568+00', 'services.email.rendering.registry.Registry.find');

INSERT INTO alerting.failure_trend VALUES ('2a30c409a9', '2026-11-30 00:00:00+00', 1);
INSERT INTO alerting.failure_trend VALUES ('ad624b32bd', '2026-11-30 00:00:00+00', 3);

INSERT INTO alerting.failures VALUES ('email.send', 'mail-2', 'email.send', 'ad624b32bd', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', '{"to": "a•••@example.com", "template": "no-such-template"}', '2026-11-30 00:03:18.403895+00', '2026-11-30 00:03:18.403895+00', '2026-11-30T00:03:18.403895+00:00', 1, 1, 0, 'open');
INSERT INTO alerting.failures VALUES ('sms.send', 'text-2', 'sms.send', '2a30c409a9', 'InvalidNumber', 'to: ••• is not a phone number', '{"to": "+49", "message": "Hello"}', '2026-11-30 00:03:22.469543+00', '2026-11-30 00:03:22.469543+00', '2026-11-30T00:03:22.469543+00:00', 1, 1, 0, 'open');
INSERT INTO alerting.failures VALUES ('email.send', 'mail-3', 'email.send', 'ad624b32bd', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', '{"to": "a•••@example.com", "template": "no-such-template"}', '2026-11-30 00:03:19.787459+00', '2026-11-30 00:03:58.389122+00', '2026-11-30T00:03:58.389122+00:00', 2, 1, 1, 'open');

INSERT INTO alerting.heard VALUES ('scheduler', 'scheduler', '7d359821015c4d2fb602145a852eb63e', false, '2026-11-30 00:03:13.676624+00', '', 0, 0, '2026-11-30 00:03:15.108722+00');

INSERT INTO alerting.inbox VALUES ('alerting.on.scheduler.measured', 'fc68be1e-ac05-4bf6-a28d-4fa2893c4cbd', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:15.185206+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-b331be91c85174e07eef07f5f04407a6', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:16.431633+00');
INSERT INTO alerting.inbox VALUES ('alerting', '5fc0f591-8578-5889-a4c3-beed9c1021ec', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:18.64745+00');
INSERT INTO alerting.inbox VALUES ('alerting', '4b63d158-fa8b-53ef-b0e0-6bb840c3ca8f', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:20.055913+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-6ae16c64f256c12b87ce22093b99f82b', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:21.476502+00');
INSERT INTO alerting.inbox VALUES ('alerting', 'c8d52695-2610-501e-8d56-74f1f7e306d4', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:22.774089+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-d50d2f328f910ea100587205dd612c05', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:26.083092+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-1aa306ecb4657e9106241dc1afa72211', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:30.45158+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-ffe104bd4440c6f4f11d1ee846460c07', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:35.506381+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-22e5a2f5138b6af6f37d8b723c71709f', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:40.672601+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-7d47cf742e4772fa7f82b6ca64b4636c', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:45.563858+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-e7c459629eeef1a973e446655858c905', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:50.517853+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-410d77db3cf02313d69df37125e9d398', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:55.314813+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.dead-letter.replayed', 'd646c1e8-5d2a-45be-a18f-07e4f3f056c1', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:58.378611+00');
INSERT INTO alerting.inbox VALUES ('alerting', '014df582-f6d0-55ab-8ce3-8424f354def7', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:03:58.54269+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-97d3f8044d5c51fda8afae9055eac898', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:04:00.838652+00');
INSERT INTO alerting.inbox VALUES ('alerting.on.job.completed', 'done-7a758fa04e164656cbd7780d3faf9c5b', 'done', '2e9bf4d736894a0d81bf1778e24bdb95', 1, '2026-11-30 00:04:05.35805+00');

INSERT INTO alerting.lone_messages VALUES ('ca57a9d2-c09d-4c5e-88c4-c9ca20dc75a3', 'log', '2026-11-30 00:03:18.765568+00');
INSERT INTO alerting.lone_messages VALUES ('4cb88afb-28bb-4d38-a8bd-07d36247f1f0', 'log', '2026-11-30 00:03:22.91182+00');

INSERT INTO audit.alembic_version VALUES ('audit_0003');
INSERT INTO audit.alembic_version VALUES ('runtime_0002');

INSERT INTO audit.dead_letter_events VALUES ('mail-2', 'email.send', '5fc0f591-8578-5889-a4c3-beed9c1021ec', '2026-11-30 00:03:18.403895+00', 'died', NULL, 0, 'UnknownTemplate: template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', NULL, 'email.send');
INSERT INTO audit.dead_letter_events VALUES ('mail-3', 'email.send', '4b63d158-fa8b-53ef-b0e0-6bb840c3ca8f', '2026-11-30 00:03:19.787459+00', 'died', NULL, 0, 'UnknownTemplate: template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', NULL, 'email.send');
INSERT INTO audit.dead_letter_events VALUES ('text-2', 'sms.send', 'c8d52695-2610-501e-8d56-74f1f7e306d4', '2026-11-30 00:03:22.469543+00', 'died', NULL, 0, 'InvalidNumber: to: ••• is not a phone number', NULL, 'sms.send');
INSERT INTO audit.dead_letter_events VALUES ('mail-3', 'email.send', 'd646c1e8-5d2a-45be-a18f-07e4f3f056c1', '2026-11-30 00:03:58.344988+00', 'replayed', 'operator@host', 1, NULL, NULL, NULL);
INSERT INTO audit.dead_letter_events VALUES ('mail-3', 'email.send', '014df582-f6d0-55ab-8ce3-8424f354def7', '2026-11-30 00:03:58.389122+00', 'died', NULL, 1, 'UnknownTemplate: template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', NULL, 'email.send');

INSERT INTO audit.events VALUES (1, 'schedule.fired', '2026-11-30 00:03:15+00', 'schedule.fired:often@2026-11-30T00:03:15Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:15Z"}', '2026-11-30 00:03:15.083735+00');
INSERT INTO audit.events VALUES (2, 'job.completed', '2026-11-30 00:03:16+00', 'done-b331be91c85174e07eef07f5f04407a6', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:15Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:16.342515Z"}', '2026-11-30 00:03:16.349344+00');
INSERT INTO audit.events VALUES (3, 'job.failed', '2026-11-30 00:03:18+00', '5fc0f591-8578-5889-a4c3-beed9c1021ec', NULL, 'alerting', '{"queue":"email.send","job_id":"mail-2","job_kind":"email.send","error_type":"UnknownTemplate","error":"template: there is no ''no-such-template''; there are password-reset, report-ready, welcome","attempts":1,"replays":0,"failed_at":"2026-11-30T00:03:18.403895Z"}', '2026-11-30 00:03:18.622144+00');
INSERT INTO audit.events VALUES (4, 'job.failed', '2026-11-30 00:03:19+00', '4b63d158-fa8b-53ef-b0e0-6bb840c3ca8f', NULL, 'alerting', '{"queue":"email.send","job_id":"mail-3","job_kind":"email.send","error_type":"UnknownTemplate","error":"template: there is no ''no-such-template''; there are password-reset, report-ready, welcome","attempts":1,"replays":0,"failed_at":"2026-11-30T00:03:19.787459Z"}', '2026-11-30 00:03:19.965894+00');
INSERT INTO audit.events VALUES (5, 'schedule.fired', '2026-11-30 00:03:20+00', 'schedule.fired:often@2026-11-30T00:03:20Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:20Z"}', '2026-11-30 00:03:20.144363+00');
INSERT INTO audit.events VALUES (6, 'job.completed', '2026-11-30 00:03:21+00', 'done-6ae16c64f256c12b87ce22093b99f82b', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:20Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:21.413194Z"}', '2026-11-30 00:03:21.41597+00');
INSERT INTO audit.events VALUES (7, 'job.failed', '2026-11-30 00:03:22+00', 'c8d52695-2610-501e-8d56-74f1f7e306d4', NULL, 'alerting', '{"queue":"sms.send","job_id":"text-2","job_kind":"sms.send","error_type":"InvalidNumber","error":"to: ••• is not a phone number","attempts":1,"replays":0,"failed_at":"2026-11-30T00:03:22.469543Z"}', '2026-11-30 00:03:22.731128+00');
INSERT INTO audit.events VALUES (8, 'schedule.fired', '2026-11-30 00:03:25+00', 'schedule.fired:often@2026-11-30T00:03:25Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:25Z"}', '2026-11-30 00:03:25.087551+00');
INSERT INTO audit.events VALUES (9, 'job.completed', '2026-11-30 00:03:26+00', 'done-d50d2f328f910ea100587205dd612c05', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:25Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:26.029653Z"}', '2026-11-30 00:03:26.0359+00');
INSERT INTO audit.events VALUES (10, 'report.ready', '2026-11-30 00:03:26+00', '24b3145c085532ad011bf88ccde8a443', NULL, 'report', '{"id":"report-1","type":"table","format":"csv","url":"file:///var/lib/postroom/reports/table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv","rows":2,"bytes":12}', '2026-11-30 00:03:26.781281+00');
INSERT INTO audit.events VALUES (11, 'user.created', '2026-11-30 00:03:27+00', 'user-1', NULL, 'postroom publish', '{"id":"u-1","email":"a•••@example.com","name":"Ada"}', '2026-11-30 00:03:27.542469+00');
INSERT INTO audit.events VALUES (12, 'schedule.fired', '2026-11-30 00:03:30+00', 'schedule.fired:often@2026-11-30T00:03:30Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:30Z"}', '2026-11-30 00:03:30.040451+00');
INSERT INTO audit.events VALUES (13, 'job.completed', '2026-11-30 00:03:30+00', 'done-1aa306ecb4657e9106241dc1afa72211', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:30Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:30.408380Z"}', '2026-11-30 00:03:30.42774+00');
INSERT INTO audit.events VALUES (14, 'schedule.fired', '2026-11-30 00:03:35+00', 'schedule.fired:often@2026-11-30T00:03:35Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:35Z"}', '2026-11-30 00:03:35.046102+00');
INSERT INTO audit.events VALUES (15, 'job.completed', '2026-11-30 00:03:35+00', 'done-ffe104bd4440c6f4f11d1ee846460c07', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:35Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:35.471256Z"}', '2026-11-30 00:03:35.474289+00');
INSERT INTO audit.events VALUES (16, 'schedule.fired', '2026-11-30 00:03:40+00', 'schedule.fired:often@2026-11-30T00:03:40Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:40Z"}', '2026-11-30 00:03:40.035641+00');
INSERT INTO audit.events VALUES (17, 'job.completed', '2026-11-30 00:03:40+00', 'done-22e5a2f5138b6af6f37d8b723c71709f', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:40Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:40.667372Z"}', '2026-11-30 00:03:40.680643+00');
INSERT INTO audit.events VALUES (18, 'schedule.fired', '2026-11-30 00:03:45+00', 'schedule.fired:often@2026-11-30T00:03:45Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:45Z"}', '2026-11-30 00:03:45.052111+00');
INSERT INTO audit.events VALUES (19, 'job.completed', '2026-11-30 00:03:45+00', 'done-7d47cf742e4772fa7f82b6ca64b4636c', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:45Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:45.542488Z"}', '2026-11-30 00:03:45.545744+00');
INSERT INTO audit.events VALUES (20, 'schedule.fired', '2026-11-30 00:03:50+00', 'schedule.fired:often@2026-11-30T00:03:50Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:50Z"}', '2026-11-30 00:03:50.036796+00');
INSERT INTO audit.events VALUES (21, 'job.completed', '2026-11-30 00:03:50+00', 'done-e7c459629eeef1a973e446655858c905', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:50Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:50.499307Z"}', '2026-11-30 00:03:50.511621+00');
INSERT INTO audit.events VALUES (22, 'schedule.fired', '2026-11-30 00:03:55+00', 'schedule.fired:often@2026-11-30T00:03:55Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:03:55Z"}', '2026-11-30 00:03:55.023472+00');
INSERT INTO audit.events VALUES (23, 'job.completed', '2026-11-30 00:03:55+00', 'done-410d77db3cf02313d69df37125e9d398', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:03:55Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:03:55.307428Z"}', '2026-11-30 00:03:55.313644+00');
INSERT INTO audit.events VALUES (24, 'dead-letter.replayed', '2026-11-30 00:03:58+00', 'd646c1e8-5d2a-45be-a18f-07e4f3f056c1', NULL, 'postroom dead', '{"queue":"email.send","message_ids":["mail-3"],"replays":{"mail-3":1},"by":"o•••@vm","at":"2026-11-30T00:03:58.344988Z","was":null}', '2026-11-30 00:03:58.347221+00');
INSERT INTO audit.events VALUES (25, 'job.failed', '2026-11-30 00:03:58+00', '014df582-f6d0-55ab-8ce3-8424f354def7', NULL, 'alerting', '{"queue":"email.send","job_id":"mail-3","job_kind":"email.send","error_type":"UnknownTemplate","error":"template: there is no ''no-such-template''; there are password-reset, report-ready, welcome","attempts":1,"replays":1,"failed_at":"2026-11-30T00:03:58.389122Z"}', '2026-11-30 00:03:58.490103+00');
INSERT INTO audit.events VALUES (26, 'schedule.fired', '2026-11-30 00:04:00+00', 'schedule.fired:often@2026-11-30T00:04:00Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:04:00Z"}', '2026-11-30 00:04:00.168163+00');
INSERT INTO audit.events VALUES (27, 'job.completed', '2026-11-30 00:04:00+00', 'done-97d3f8044d5c51fda8afae9055eac898', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:04:00Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:04:00.659694Z"}', '2026-11-30 00:04:00.664834+00');
INSERT INTO audit.events VALUES (28, 'schedule.fired', '2026-11-30 00:04:05+00', 'schedule.fired:often@2026-11-30T00:04:05Z', NULL, 'scheduler', '{"schedule":"often","fire_time":"2026-11-30T00:04:05Z"}', '2026-11-30 00:04:05.022646+00');
INSERT INTO audit.events VALUES (29, 'job.completed', '2026-11-30 00:04:05+00', 'done-7a758fa04e164656cbd7780d3faf9c5b', NULL, 'maintenance.clean', '{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:04:05Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:04:05.347416Z"}', '2026-11-30 00:04:05.356874+00');

INSERT INTO audit.tries VALUES (1, '96ffbe09c52f4a3486a413d89a93840b', '2026-11-30 00:03:16.288424+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:15Z', NULL, 'scheduler', '2026-11-30 00:03:15+00', 1, 8, 0, 'done', NULL, NULL, NULL, 1188.6, NULL, NULL);
INSERT INTO audit.tries VALUES (2, '95d9b29fd2fd43c19622614932f28620', '2026-11-30 00:03:18.419454+00', 'email', 'email.send', 'email.send', 'mail-2', NULL, 'postroom publish', '2026-11-30 00:03:18+00', 1, 12, 0, 'dead', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', 'services.email.rendering.registry.Registry.find', 60.9, NULL, '["a•••@example.com"]');
INSERT INTO audit.tries VALUES (3, '7d6033c2315345a38cb6575572cf953c', '2026-11-30 00:03:19.79624+00', 'email', 'email.send', 'email.send', 'mail-3', NULL, 'postroom publish', '2026-11-30 00:03:19+00', 1, 12, 0, 'dead', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', 'services.email.rendering.registry.Registry.find', 43.6, NULL, '["a•••@example.com"]');
INSERT INTO audit.tries VALUES (4, 'e2ed1c0a8e664174b74d5bc39a7bf07f', '2026-11-30 00:03:21.38252+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:20Z', NULL, 'scheduler', '2026-11-30 00:03:20+00', 1, 8, 0, 'done', NULL, NULL, NULL, 1258.3, NULL, NULL);
INSERT INTO audit.tries VALUES (5, 'b856ebfba7754d40b399379f9c8b3ac8', '2026-11-30 00:03:22.490553+00', 'sms', 'sms.send', 'sms.send', 'text-2', NULL, 'postroom publish', '2026-11-30 00:03:22+00', 1, 10, 0, 'dead', 'InvalidNumber', 'to: ••• is not a phone number', 'services.sms.numbers.NumberReader.read', 21.5, NULL, '["•••"]');
INSERT INTO audit.tries VALUES (6, 'cd77cd85990d47ac8a5d8e6328495a2e', '2026-11-30 00:03:23.803526+00', 'webhook', 'webhook.deliver', 'webhook.deliver', 'hook-1', NULL, 'postroom publish', '2026-11-30 00:03:23+00', 1, 16, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 'services.webhook.caller.http.HttpCaller.call', 60.1, '2026-11-30 00:03:25.803526+00', NULL);
INSERT INTO audit.tries VALUES (7, '75dc163441c64dcdbee50ced6fc02a7f', '2026-11-30 00:03:25.987797+00', 'webhook', 'webhook.deliver', 'webhook.deliver', 'hook-1', NULL, 'postroom publish', '2026-11-30 00:03:23+00', 2, 16, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 'services.webhook.caller.http.HttpCaller.call', 126.6, '2026-11-30 00:03:29.987797+00', NULL);
INSERT INTO audit.tries VALUES (8, '2b49306c3f954d5b814e8157240051f7', '2026-11-30 00:03:25.995009+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:25Z', NULL, 'scheduler', '2026-11-30 00:03:25+00', 1, 8, 0, 'done', NULL, NULL, NULL, 923.2, NULL, NULL);
INSERT INTO audit.tries VALUES (9, 'b12265aa4e654333b667a8ae0746fb77', '2026-11-30 00:03:26.78278+00', 'report', 'report.generate', 'report.generate', 'report-1', NULL, 'postroom publish', '2026-11-30 00:03:24+00', 1, 5, 0, 'done', NULL, NULL, NULL, 1780.9, NULL, NULL);
INSERT INTO audit.tries VALUES (10, '72b1d50c2b184e448fe52f34a76db50a', '2026-11-30 00:03:30.059595+00', 'webhook', 'webhook.deliver', 'webhook.deliver', 'hook-1', NULL, 'postroom publish', '2026-11-30 00:03:23+00', 3, 16, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 'services.webhook.caller.http.HttpCaller.call', 47.3, '2026-11-30 00:03:38.059595+00', NULL);
INSERT INTO audit.tries VALUES (11, '458def58fc574d77abdc026a1377f1cf', '2026-11-30 00:03:30.335867+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:30Z', NULL, 'scheduler', '2026-11-30 00:03:30+00', 1, 8, 0, 'done', NULL, NULL, NULL, 295.3, NULL, NULL);
INSERT INTO audit.tries VALUES (12, '360dc5a519854b6d9d3d6649ea34d7a5', '2026-11-30 00:03:35.458438+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:35Z', NULL, 'scheduler', '2026-11-30 00:03:35+00', 1, 8, 0, 'done', NULL, NULL, NULL, 403.1, NULL, NULL);
INSERT INTO audit.tries VALUES (13, 'c8841c487fe9404ea6d093eab0ffab0c', '2026-11-30 00:03:38.117736+00', 'webhook', 'webhook.deliver', 'webhook.deliver', 'hook-1', NULL, 'postroom publish', '2026-11-30 00:03:23+00', 4, 16, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 'services.webhook.caller.http.HttpCaller.call', 33.9, '2026-11-30 00:03:54.117736+00', NULL);
INSERT INTO audit.tries VALUES (14, '70db7776db694729890b1c589797cb60', '2026-11-30 00:03:40.627853+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:40Z', NULL, 'scheduler', '2026-11-30 00:03:40+00', 1, 8, 0, 'done', NULL, NULL, NULL, 593.9, NULL, NULL);
INSERT INTO audit.tries VALUES (15, 'ba46f25a701244b7a4565c10cfff4b12', '2026-11-30 00:03:45.525375+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:45Z', NULL, 'scheduler', '2026-11-30 00:03:45+00', 1, 8, 0, 'done', NULL, NULL, NULL, 473.6, NULL, NULL);
INSERT INTO audit.tries VALUES (16, '7da4afe6c6704a29a325e44507a5ab46', '2026-11-30 00:03:50.489162+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:50Z', NULL, 'scheduler', '2026-11-30 00:03:50+00', 1, 8, 0, 'done', NULL, NULL, NULL, 458.7, NULL, NULL);
INSERT INTO audit.tries VALUES (17, '8fb15bf2bc134ed4af34ce8fede6c84d', '2026-11-30 00:03:54.13833+00', 'webhook', 'webhook.deliver', 'webhook.deliver', 'hook-1', NULL, 'postroom publish', '2026-11-30 00:03:23+00', 5, 16, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 'services.webhook.caller.http.HttpCaller.call', 19.2, '2026-11-30 00:04:26.13833+00', NULL);
INSERT INTO audit.tries VALUES (18, '8b7a19883d974cd8a37db9d7f9497256', '2026-11-30 00:03:55.300003+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:03:55Z', NULL, 'scheduler', '2026-11-30 00:03:55+00', 1, 8, 0, 'done', NULL, NULL, NULL, 268.5, NULL, NULL);
INSERT INTO audit.tries VALUES (19, 'ca99237c1ab74a55be6019407ffac448', '2026-11-30 00:03:58.403068+00', 'email', 'email.send', 'email.send', 'mail-3', NULL, 'postroom publish', '2026-11-30 00:03:19+00', 1, 12, 1, 'dead', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', 'services.email.rendering.registry.Registry.find', 31.6, NULL, '["a•••@example.com"]');
INSERT INTO audit.tries VALUES (20, '64626fc5f5ce4f61b206bfb208478155', '2026-11-30 00:04:00.64783+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:04:00Z', NULL, 'scheduler', '2026-11-30 00:04:00+00', 1, 8, 0, 'done', NULL, NULL, NULL, 508.6, NULL, NULL);
INSERT INTO audit.tries VALUES (21, '24a2b7420e554c50b79cc5017ed8569c', '2026-11-30 00:04:05.335823+00', 'maintenance', 'maintenance.clean', 'maintenance.clean', 'often@2026-11-30T00:04:05Z', NULL, 'scheduler', '2026-11-30 00:04:05+00', 1, 8, 0, 'done', NULL, NULL, NULL, 309.7, NULL, NULL);

INSERT INTO audit.try_recipients VALUES ('95d9b29fd2fd43c19622614932f28620', 'b5fc85e55755f9e0d030a10ab4429b6b', '2026-11-30 00:03:18.419454+00');
INSERT INTO audit.try_recipients VALUES ('7d6033c2315345a38cb6575572cf953c', 'b5fc85e55755f9e0d030a10ab4429b6b', '2026-11-30 00:03:19.79624+00');
INSERT INTO audit.try_recipients VALUES ('b856ebfba7754d40b399379f9c8b3ac8', '275cca81e285f4a39a06dd3d5d61663e', '2026-11-30 00:03:22.490553+00');
INSERT INTO audit.try_recipients VALUES ('ca99237c1ab74a55be6019407ffac448', 'b5fc85e55755f9e0d030a10ab4429b6b', '2026-11-30 00:03:58.403068+00');

INSERT INTO email.alembic_version VALUES ('email_0001');
INSERT INTO email.alembic_version VALUES ('runtime_0002');

INSERT INTO email.email_recipients VALUES ('email.send', 'mail-1', 'ada@example.com', 'delivered', '250 2.0.0 accepted', 0, '2026-11-30 00:03:17.136138+00');
INSERT INTO email.email_recipients VALUES ('email.on.user.created', 'user-1', 'ada@example.com', 'delivered', '250 2.0.0 accepted', 0, '2026-11-30 00:03:27.725494+00');

INSERT INTO email.history VALUES (1, '2026-11-30 00:03:18.419454+00', 'email.send', 'mail-2', NULL, 1, 0, 'dead', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', 60.9, '95d9b29fd2fd43c19622614932f28620', 'email.send', 'postroom publish', '2026-11-30 00:03:18+00', 12, 'services.email.rendering.registry.Registry.find', NULL, '[{"masked":"a•••@example.com","digest":"b5fc85e55755f9e0d030a10ab4429b6b"}]', '4a81ebbf33e34ee0a301418e679cc278', true);
INSERT INTO email.history VALUES (2, '2026-11-30 00:03:19.79624+00', 'email.send', 'mail-3', NULL, 1, 0, 'dead', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', 43.6, '7d6033c2315345a38cb6575572cf953c', 'email.send', 'postroom publish', '2026-11-30 00:03:19+00', 12, 'services.email.rendering.registry.Registry.find', NULL, '[{"masked":"a•••@example.com","digest":"b5fc85e55755f9e0d030a10ab4429b6b"}]', '4a81ebbf33e34ee0a301418e679cc278', true);
INSERT INTO email.history VALUES (3, '2026-11-30 00:03:58.403068+00', 'email.send', 'mail-3', NULL, 1, 1, 'dead', 'UnknownTemplate', 'template: there is no ''no-such-template''; there are password-reset, report-ready, welcome', 31.6, 'ca99237c1ab74a55be6019407ffac448', 'email.send', 'postroom publish', '2026-11-30 00:03:19+00', 12, 'services.email.rendering.registry.Registry.find', NULL, '[{"masked":"a•••@example.com","digest":"b5fc85e55755f9e0d030a10ab4429b6b"}]', '4a81ebbf33e34ee0a301418e679cc278', true);

INSERT INTO email.inbox VALUES ('email.send', 'mail-1', 'done', '4a81ebbf33e34ee0a301418e679cc278', 1, '2026-11-30 00:03:17.218603+00');
INSERT INTO email.inbox VALUES ('email.on.user.created', 'user-1', 'done', '4a81ebbf33e34ee0a301418e679cc278', 1, '2026-11-30 00:03:27.800568+00');

INSERT INTO maintenance.alembic_version VALUES ('runtime_0002');

INSERT INTO maintenance.history VALUES (1, '2026-11-30 00:03:16.288424+00', 'maintenance.clean', 'often@2026-11-30T00:03:15Z', NULL, 1, 0, 'done', NULL, NULL, 1188.6, '96ffbe09c52f4a3486a413d89a93840b', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:15+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (2, '2026-11-30 00:03:21.38252+00', 'maintenance.clean', 'often@2026-11-30T00:03:20Z', NULL, 1, 0, 'done', NULL, NULL, 1258.3, 'e2ed1c0a8e664174b74d5bc39a7bf07f', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:20+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (3, '2026-11-30 00:03:25.995009+00', 'maintenance.clean', 'often@2026-11-30T00:03:25Z', NULL, 1, 0, 'done', NULL, NULL, 923.2, '2b49306c3f954d5b814e8157240051f7', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:25+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (4, '2026-11-30 00:03:30.335867+00', 'maintenance.clean', 'often@2026-11-30T00:03:30Z', NULL, 1, 0, 'done', NULL, NULL, 295.3, '458def58fc574d77abdc026a1377f1cf', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:30+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (5, '2026-11-30 00:03:35.458438+00', 'maintenance.clean', 'often@2026-11-30T00:03:35Z', NULL, 1, 0, 'done', NULL, NULL, 403.1, '360dc5a519854b6d9d3d6649ea34d7a5', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:35+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (6, '2026-11-30 00:03:40.627853+00', 'maintenance.clean', 'often@2026-11-30T00:03:40Z', NULL, 1, 0, 'done', NULL, NULL, 593.9, '70db7776db694729890b1c589797cb60', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:40+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (7, '2026-11-30 00:03:45.525375+00', 'maintenance.clean', 'often@2026-11-30T00:03:45Z', NULL, 1, 0, 'done', NULL, NULL, 473.6, 'ba46f25a701244b7a4565c10cfff4b12', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:45+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (8, '2026-11-30 00:03:50.489162+00', 'maintenance.clean', 'often@2026-11-30T00:03:50Z', NULL, 1, 0, 'done', NULL, NULL, 458.7, '7da4afe6c6704a29a325e44507a5ab46', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:50+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (9, '2026-11-30 00:03:55.300003+00', 'maintenance.clean', 'often@2026-11-30T00:03:55Z', NULL, 1, 0, 'done', NULL, NULL, 268.5, '8b7a19883d974cd8a37db9d7f9497256', 'maintenance.clean', 'scheduler', '2026-11-30 00:03:55+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (10, '2026-11-30 00:04:00.64783+00', 'maintenance.clean', 'often@2026-11-30T00:04:00Z', NULL, 1, 0, 'done', NULL, NULL, 508.6, '64626fc5f5ce4f61b206bfb208478155', 'maintenance.clean', 'scheduler', '2026-11-30 00:04:00+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);
INSERT INTO maintenance.history VALUES (11, '2026-11-30 00:04:05.335823+00', 'maintenance.clean', 'often@2026-11-30T00:04:05Z', NULL, 1, 0, 'done', NULL, NULL, 309.7, '24a2b7420e554c50b79cc5017ed8569c', 'maintenance.clean', 'scheduler', '2026-11-30 00:04:05+00', 8, NULL, NULL, NULL, '94c0f242efe6439698d0359b3cb77a98', true);

INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:15Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:16.319388+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:20Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:21.387181+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:25Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:26.00871+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:30Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:30.340538+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:35Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:35.460631+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:40Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:40.653236+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:45Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:45.535249+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:50Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:50.489846+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:03:55Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:03:55.301484+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:04:00Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:04:00.648347+00');
INSERT INTO maintenance.inbox VALUES ('maintenance.clean', 'often@2026-11-30T00:04:05Z', 'done', '94c0f242efe6439698d0359b3cb77a98', 1, '2026-11-30 00:04:05.336618+00');

INSERT INTO report.alembic_version VALUES ('report_0001');
INSERT INTO report.alembic_version VALUES ('runtime_0002');

INSERT INTO report.history VALUES (1, '2026-11-30 00:03:26.78278+00', 'report.generate', 'report-1', NULL, 1, 0, 'done', NULL, NULL, 1780.9, 'b12265aa4e654333b667a8ae0746fb77', 'report.generate', 'postroom publish', '2026-11-30 00:03:24+00', 5, NULL, NULL, NULL, '737bbd095e874b338e4c51cf48721e0f', true);

INSERT INTO report.inbox VALUES ('report.generate', 'report-1', 'done', '737bbd095e874b338e4c51cf48721e0f', 1, '2026-11-30 00:03:26.799503+00');

INSERT INTO report.report_documents VALUES ('report-1', '', 'table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv', 2, 0, 12, '93da0d6f84de2604763eda2976d6a4d31685912f90d110d6dffc3edd2f134a0d');

INSERT INTO report.report_runs VALUES ('report-1', 'table', 'csv', 'ada', 'c15d1bae17d9404f537d7b8b69a72d3487c03b75c11a8c79069a179105249dbf', '2026-11-30 00:03:24+00', 'done', 2, 0, 1, 'table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv', 'file:///var/lib/postroom/reports/table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv', 12, '93da0d6f84de2604763eda2976d6a4d31685912f90d110d6dffc3edd2f134a0d', NULL, '2026-11-30 00:03:25.083527+00', '2026-11-30 00:03:26.755889+00', '2027-02-28 00:03:26.755865+00');

INSERT INTO scheduler.alembic_version VALUES ('scheduler_0001');
INSERT INTO scheduler.alembic_version VALUES ('runtime_0002');

INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-b331be91c85174e07eef07f5f04407a6', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:16.431922+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.failed', '5fc0f591-8578-5889-a4c3-beed9c1021ec', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:18.689012+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.failed', '4b63d158-fa8b-53ef-b0e0-6bb840c3ca8f', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:20.046221+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-6ae16c64f256c12b87ce22093b99f82b', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:21.494711+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.failed', 'c8d52695-2610-501e-8d56-74f1f7e306d4', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:22.854348+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-d50d2f328f910ea100587205dd612c05', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:26.11194+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-1aa306ecb4657e9106241dc1afa72211', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:30.476691+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-ffe104bd4440c6f4f11d1ee846460c07', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:35.502445+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-22e5a2f5138b6af6f37d8b723c71709f', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:40.710611+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-7d47cf742e4772fa7f82b6ca64b4636c', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:45.594464+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-e7c459629eeef1a973e446655858c905', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:50.528063+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-410d77db3cf02313d69df37125e9d398', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:55.329445+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.failed', '014df582-f6d0-55ab-8ce3-8424f354def7', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:03:58.570731+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-97d3f8044d5c51fda8afae9055eac898', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:04:00.872539+00');
INSERT INTO scheduler.inbox VALUES ('scheduler.on.job.completed', 'done-7a758fa04e164656cbd7780d3faf9c5b', 'done', '94a7ed824b484f539006b6e8bcc438b0', 1, '2026-11-30 00:04:05.363282+00');

INSERT INTO scheduler.schedules VALUES ('nightly', 'file', '{"body":{"older_than_days":30,"target":"ticks"},"cron":"0 2 * * *","job":"maintenance.clean","name":"nightly","time_zone":"Europe/Berlin"}', false, '2026-11-30 01:00:00+00', NULL, '2026-11-30 00:03:13.736443+00', 'file schedules.yaml');
INSERT INTO scheduler.schedules VALUES ('hello', 'database', '{"event":"hello.said","every":"1h","name":"hello"}', false, '2026-11-30 01:00:00+00', NULL, '2026-11-30 00:03:28.824024+00', 'operator (postroom schedules)');
INSERT INTO scheduler.schedules VALUES ('often', 'file', '{"body":{"older_than_days":30,"target":"ticks"},"every":"5s","job":"maintenance.clean","name":"often"}', false, '2026-11-30 00:04:10+00', '2026-11-30 00:04:05+00', '2026-11-30 00:03:13.736443+00', 'file schedules.yaml');

INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:50+00', '2026-11-30 00:03:50+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:50Z"}', 'often@2026-11-30T00:03:50Z', NULL, 'scheduler', '2026-11-30 00:04:05.020852+00', '2026-11-30 00:03:50.038175+00', '2026-11-30 00:03:50.499307+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:15+00', '2026-11-30 00:03:15+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:15Z"}', 'often@2026-11-30T00:03:15Z', NULL, 'scheduler', '2026-11-30 00:03:30.031201+00', '2026-11-30 00:03:15.087201+00', '2026-11-30 00:03:16.342515+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:20+00', '2026-11-30 00:03:20+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:20Z"}', 'often@2026-11-30T00:03:20Z', NULL, 'scheduler', '2026-11-30 00:03:35.067216+00', '2026-11-30 00:03:20.144899+00', '2026-11-30 00:03:21.413194+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:25+00', '2026-11-30 00:03:25+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:25Z"}', 'often@2026-11-30T00:03:25Z', NULL, 'scheduler', '2026-11-30 00:03:40.035441+00', '2026-11-30 00:03:25.094952+00', '2026-11-30 00:03:26.029653+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:30+00', '2026-11-30 00:03:30+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:30Z"}', 'often@2026-11-30T00:03:30Z', NULL, 'scheduler', '2026-11-30 00:03:45.007518+00', '2026-11-30 00:03:30.045083+00', '2026-11-30 00:03:30.40838+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:55+00', '2026-11-30 00:03:55+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:55Z"}', 'often@2026-11-30T00:03:55Z', NULL, 'scheduler', '2026-11-30 00:04:10.013181+00', '2026-11-30 00:03:55.022615+00', '2026-11-30 00:03:55.307428+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:35+00', '2026-11-30 00:03:35+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:35Z"}', 'often@2026-11-30T00:03:35Z', NULL, 'scheduler', '2026-11-30 00:03:50.031951+00', '2026-11-30 00:03:35.051526+00', '2026-11-30 00:03:35.471256+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:40+00', '2026-11-30 00:03:40+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:40Z"}', 'often@2026-11-30T00:03:40Z', NULL, 'scheduler', '2026-11-30 00:03:55.016181+00', '2026-11-30 00:03:40.037252+00', '2026-11-30 00:03:40.667372+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:03:45+00', '2026-11-30 00:03:45+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:03:45Z"}', 'often@2026-11-30T00:03:45Z', NULL, 'scheduler', '2026-11-30 00:04:00.024352+00', '2026-11-30 00:03:45.059411+00', '2026-11-30 00:03:45.542488+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:04:00+00', '2026-11-30 00:04:00+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:04:00Z"}', 'often@2026-11-30T00:04:00Z', NULL, 'scheduler', '2026-11-30 00:04:15.04482+00', '2026-11-30 00:04:00.158693+00', '2026-11-30 00:04:00.659694+00', NULL);
INSERT INTO scheduler.ticks VALUES ('often', '2026-11-30 00:04:05+00', '2026-11-30 00:04:05+00', 'done', 'jobs', 'maintenance.clean', '{"older_than_days":30,"target":"ticks"}', '{"x-schedule":"often","x-fire-time":"2026-11-30T00:04:05Z"}', 'often@2026-11-30T00:04:05Z', NULL, 'scheduler', '2026-11-30 00:04:20.01178+00', '2026-11-30 00:04:05.022166+00', '2026-11-30 00:04:05.347416+00', NULL);

INSERT INTO sms.alembic_version VALUES ('sms_0001');
INSERT INTO sms.alembic_version VALUES ('runtime_0002');

INSERT INTO sms.history VALUES (1, '2026-11-30 00:03:22.490553+00', 'sms.send', 'text-2', NULL, 1, 0, 'dead', 'InvalidNumber', 'to: ••• is not a phone number', 21.5, 'b856ebfba7754d40b399379f9c8b3ac8', 'sms.send', 'postroom publish', '2026-11-30 00:03:22+00', 10, 'services.sms.numbers.NumberReader.read', NULL, '[{"masked":"•••","digest":"275cca81e285f4a39a06dd3d5d61663e"}]', '0f54514a47fb45da91150b29ebba625d', true);

INSERT INTO sms.inbox VALUES ('sms.send', 'text-1', 'done', '0f54514a47fb45da91150b29ebba625d', 1, '2026-11-30 00:03:21.435683+00');

INSERT INTO sms.sms_parts VALUES ('console', '524e2bdb4d514a929b68d8a5531cb0c5', 'sms.send', 'text-1', 'accepted', NULL, '2026-11-30 00:03:21.293744+00');

INSERT INTO sms.sms_texts VALUES ('sms.send', 'text-1', '+49•••••567', NULL, NULL, 'GSM-7', 1, 'accepted', false, 'console', NULL, 0, '2026-11-30 00:03:21.326056+00', '2026-11-30 00:03:21.291512+00', NULL, NULL);

INSERT INTO webhook.alembic_version VALUES ('webhook_0001');
INSERT INTO webhook.alembic_version VALUES ('runtime_0002');

INSERT INTO webhook.history VALUES (1, '2026-11-30 00:03:23.803526+00', 'webhook.deliver', 'hook-1', NULL, 1, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 60.1, 'cd77cd85990d47ac8a5d8e6328495a2e', 'webhook.deliver', 'postroom publish', '2026-11-30 00:03:23+00', 16, 'services.webhook.caller.http.HttpCaller.call', '2026-11-30 00:03:25.803526+00', NULL, '3d3de08bded743769a886b6ad81a72e1', true);
INSERT INTO webhook.history VALUES (2, '2026-11-30 00:03:25.987797+00', 'webhook.deliver', 'hook-1', NULL, 2, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 126.6, '75dc163441c64dcdbee50ced6fc02a7f', 'webhook.deliver', 'postroom publish', '2026-11-30 00:03:23+00', 16, 'services.webhook.caller.http.HttpCaller.call', '2026-11-30 00:03:29.987797+00', NULL, '3d3de08bded743769a886b6ad81a72e1', true);
INSERT INTO webhook.history VALUES (3, '2026-11-30 00:03:30.059595+00', 'webhook.deliver', 'hook-1', NULL, 3, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 47.3, '72b1d50c2b184e448fe52f34a76db50a', 'webhook.deliver', 'postroom publish', '2026-11-30 00:03:23+00', 16, 'services.webhook.caller.http.HttpCaller.call', '2026-11-30 00:03:38.059595+00', NULL, '3d3de08bded743769a886b6ad81a72e1', true);
INSERT INTO webhook.history VALUES (4, '2026-11-30 00:03:38.117736+00', 'webhook.deliver', 'hook-1', NULL, 4, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 33.9, 'c8841c487fe9404ea6d093eab0ffab0c', 'webhook.deliver', 'postroom publish', '2026-11-30 00:03:23+00', 16, 'services.webhook.caller.http.HttpCaller.call', '2026-11-30 00:03:54.117736+00', NULL, '3d3de08bded743769a886b6ad81a72e1', true);
INSERT INTO webhook.history VALUES (5, '2026-11-30 00:03:54.13833+00', 'webhook.deliver', 'hook-1', NULL, 5, 0, 'retried', 'ReceiverUnreachable', '127.0.0.1:9: All connection attempts failed', 19.2, '8fb15bf2bc134ed4af34ce8fede6c84d', 'webhook.deliver', 'postroom publish', '2026-11-30 00:03:23+00', 16, 'services.webhook.caller.http.HttpCaller.call', '2026-11-30 00:04:26.13833+00', NULL, '3d3de08bded743769a886b6ad81a72e1', true);

INSERT INTO webhook.webhook_attempts VALUES (1, 'hook-1', 1, 0, '2026-11-30 00:03:23.743877+00', '127.0.0.1:9', '/', NULL, 'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed', '', 1);
INSERT INTO webhook.webhook_attempts VALUES (2, 'hook-1', 2, 0, '2026-11-30 00:03:25.861574+00', '127.0.0.1:9', '/', NULL, 'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed', '', 1);
INSERT INTO webhook.webhook_attempts VALUES (3, 'hook-1', 3, 0, '2026-11-30 00:03:30.012622+00', '127.0.0.1:9', '/', NULL, 'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed', '', 1);
INSERT INTO webhook.webhook_attempts VALUES (4, 'hook-1', 4, 0, '2026-11-30 00:03:38.084177+00', '127.0.0.1:9', '/', NULL, 'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed', '', 4);
INSERT INTO webhook.webhook_attempts VALUES (5, 'hook-1', 5, 0, '2026-11-30 00:03:54.119462+00', '127.0.0.1:9', '/', NULL, 'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed', '', 1);

ALTER TABLE ONLY alerting.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY alerting.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (channel);

ALTER TABLE ONLY alerting.concern_notices
    ADD CONSTRAINT concern_notices_pkey PRIMARY KEY (cause, channel, role);

ALTER TABLE ONLY alerting.concerns
    ADD CONSTRAINT concerns_pkey PRIMARY KEY (cause);

ALTER TABLE ONLY alerting.conditions
    ADD CONSTRAINT conditions_pkey PRIMARY KEY (cause);

ALTER TABLE ONLY alerting.failure_groups
    ADD CONSTRAINT failure_groups_pkey PRIMARY KEY (cause);

ALTER TABLE ONLY alerting.failure_trend
    ADD CONSTRAINT failure_trend_pkey PRIMARY KEY (cause, at);

ALTER TABLE ONLY alerting.failures
    ADD CONSTRAINT failures_pkey PRIMARY KEY (queue, message_id);

ALTER TABLE ONLY alerting.heard
    ADD CONSTRAINT heard_pkey PRIMARY KEY (topic, service, instance);

ALTER TABLE ONLY alerting.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY alerting.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY alerting.lone_messages
    ADD CONSTRAINT lone_messages_pkey PRIMARY KEY (token);

ALTER TABLE ONLY alerting.settlements
    ADD CONSTRAINT settlements_pkey PRIMARY KEY (queue, message_id);

ALTER TABLE ONLY alerting.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY audit.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY audit.dead_letter_events
    ADD CONSTRAINT dead_letter_events_pkey PRIMARY KEY (message_id, queue, told_by);

ALTER TABLE ONLY audit.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY audit.job_measurements
    ADD CONSTRAINT job_measurements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.tries
    ADD CONSTRAINT tries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit.try_recipients
    ADD CONSTRAINT try_recipients_pkey PRIMARY KEY (try_id, digest);

ALTER TABLE ONLY audit.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY email.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY email.email_recipients
    ADD CONSTRAINT email_recipients_pkey PRIMARY KEY (queue, job_id, recipient);

ALTER TABLE ONLY email.email_suppressions
    ADD CONSTRAINT email_suppressions_pkey PRIMARY KEY (address);

ALTER TABLE ONLY email.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY email.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY email.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY maintenance.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY maintenance.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY maintenance.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY maintenance.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY report.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY report.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY report.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY report.report_cancellations
    ADD CONSTRAINT report_cancellations_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY report.report_documents
    ADD CONSTRAINT report_documents_pkey PRIMARY KEY (job_id, part);

ALTER TABLE ONLY report.report_runs
    ADD CONSTRAINT report_runs_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY report.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY scheduler.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY scheduler.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY scheduler.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY scheduler.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (name);

ALTER TABLE ONLY scheduler.ticks
    ADD CONSTRAINT ticks_pkey PRIMARY KEY (schedule, fire_time);

ALTER TABLE ONLY scheduler.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY sms.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY sms.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sms.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY sms.sms_opted_out
    ADD CONSTRAINT sms_opted_out_pkey PRIMARY KEY (number);

ALTER TABLE ONLY sms.sms_parts
    ADD CONSTRAINT sms_parts_pkey PRIMARY KEY (gateway, provider_id);

ALTER TABLE ONLY sms.sms_texts
    ADD CONSTRAINT sms_texts_pkey PRIMARY KEY (queue, job_id);

ALTER TABLE ONLY sms.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY webhook.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY webhook.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY webhook.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (queue, identity);

ALTER TABLE ONLY webhook.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY webhook.webhook_items
    ADD CONSTRAINT webhook_items_pkey PRIMARY KEY (source, item_id);

ALTER TABLE ONLY webhook.webhook_sources
    ADD CONSTRAINT webhook_sources_pkey PRIMARY KEY (name);

ALTER TABLE ONLY webhook.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (holder);

CREATE INDEX ix_concern_notices_channel ON alerting.concern_notices USING btree (channel);

CREATE INDEX ix_concerns_closed_at ON alerting.concerns USING btree (closed_at);

CREATE INDEX ix_conditions_source ON alerting.conditions USING btree (source);

CREATE INDEX ix_failure_groups_last_at ON alerting.failure_groups USING btree (last_at);

CREATE INDEX ix_failure_trend_at ON alerting.failure_trend USING btree (at);

CREATE INDEX ix_failures_cause_last_at ON alerting.failures USING btree (cause, last_at);

CREATE INDEX ix_failures_last_at ON alerting.failures USING btree (last_at);

CREATE INDEX ix_history_at ON alerting.history USING btree (at);

CREATE INDEX ix_history_message_id ON alerting.history USING btree (message_id);

CREATE INDEX ix_history_untold ON alerting.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON alerting.inbox USING btree (finished_at);

CREATE INDEX ix_lone_messages_channel_at ON alerting.lone_messages USING btree (channel, at);

CREATE INDEX ix_settlements_at ON alerting.settlements USING btree (at);

CREATE INDEX ix_dead_letter_events_at ON audit.dead_letter_events USING btree (at);

CREATE INDEX ix_events_at ON audit.events USING btree (at);

CREATE INDEX ix_events_correlation_id ON audit.events USING btree (correlation_id);

CREATE INDEX ix_events_kind_at ON audit.events USING btree (kind, at);

CREATE UNIQUE INDEX ix_events_kind_message_id ON audit.events USING btree (kind, message_id);

CREATE INDEX ix_events_message_id ON audit.events USING btree (message_id text_pattern_ops);

CREATE INDEX ix_history_at ON audit.history USING btree (at);

CREATE INDEX ix_history_message_id ON audit.history USING btree (message_id);

CREATE INDEX ix_history_untold ON audit.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON audit.inbox USING btree (finished_at);

CREATE INDEX ix_job_measurements_at ON audit.job_measurements USING btree (at);

CREATE UNIQUE INDEX ix_job_measurements_once ON audit.job_measurements USING btree (message_id, queue, outcome, milliseconds);

CREATE INDEX ix_tries_at ON audit.tries USING btree (at);

CREATE INDEX ix_tries_correlation_id ON audit.tries USING btree (correlation_id);

CREATE INDEX ix_tries_kind_outcome_at ON audit.tries USING btree (kind, outcome, at);

CREATE INDEX ix_tries_message_id ON audit.tries USING btree (message_id text_pattern_ops);

CREATE UNIQUE INDEX ix_tries_try_id ON audit.tries USING btree (try_id);

CREATE INDEX ix_try_recipients_at ON audit.try_recipients USING btree (at);

CREATE INDEX ix_try_recipients_digest ON audit.try_recipients USING btree (digest);

CREATE INDEX ix_email_recipients_at ON email.email_recipients USING btree (at);

CREATE INDEX ix_history_at ON email.history USING btree (at);

CREATE INDEX ix_history_message_id ON email.history USING btree (message_id);

CREATE INDEX ix_history_untold ON email.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON email.inbox USING btree (finished_at);

CREATE INDEX ix_history_at ON maintenance.history USING btree (at);

CREATE INDEX ix_history_message_id ON maintenance.history USING btree (message_id);

CREATE INDEX ix_history_untold ON maintenance.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON maintenance.inbox USING btree (finished_at);

CREATE INDEX ix_history_at ON report.history USING btree (at);

CREATE INDEX ix_history_message_id ON report.history USING btree (message_id);

CREATE INDEX ix_history_untold ON report.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON report.inbox USING btree (finished_at);

CREATE INDEX ix_report_runs_expires_at ON report.report_runs USING btree (expires_at);

CREATE INDEX ix_report_runs_started_at ON report.report_runs USING btree (started_at);

CREATE INDEX ix_history_at ON scheduler.history USING btree (at);

CREATE INDEX ix_history_message_id ON scheduler.history USING btree (message_id);

CREATE INDEX ix_history_untold ON scheduler.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON scheduler.inbox USING btree (finished_at);

CREATE INDEX ix_schedules_next_at ON scheduler.schedules USING btree (next_at);

CREATE INDEX ix_ticks_message_id ON scheduler.ticks USING btree (message_id);

CREATE INDEX ix_ticks_state_due_at ON scheduler.ticks USING btree (state, due_at);

CREATE INDEX ix_history_at ON sms.history USING btree (at);

CREATE INDEX ix_history_message_id ON sms.history USING btree (message_id);

CREATE INDEX ix_history_untold ON sms.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON sms.inbox USING btree (finished_at);

CREATE INDEX ix_sms_parts_at ON sms.sms_parts USING btree (at);

CREATE INDEX ix_sms_parts_text ON sms.sms_parts USING btree (queue, job_id);

CREATE INDEX ix_sms_texts_at ON sms.sms_texts USING btree (at);

CREATE INDEX ix_sms_texts_not_announced ON sms.sms_texts USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND (announced_at IS NULL));

CREATE INDEX ix_sms_texts_to_hash ON sms.sms_texts USING btree (to_hash);

CREATE INDEX ix_history_at ON webhook.history USING btree (at);

CREATE INDEX ix_history_message_id ON webhook.history USING btree (message_id);

CREATE INDEX ix_history_untold ON webhook.history USING btree (holder, id) WHERE (NOT is_told);

CREATE INDEX ix_inbox_finished_at ON webhook.inbox USING btree (finished_at);

CREATE INDEX ix_webhook_attempts_at ON webhook.webhook_attempts USING btree (at);

CREATE INDEX ix_webhook_attempts_message_id ON webhook.webhook_attempts USING btree (message_id, id);

ALTER TABLE ONLY alerting.concern_notices
    ADD CONSTRAINT concern_notices_cause_fkey FOREIGN KEY (cause) REFERENCES alerting.concerns(cause) ON DELETE CASCADE;

ALTER TABLE ONLY alerting.conditions
    ADD CONSTRAINT conditions_cause_fkey FOREIGN KEY (cause) REFERENCES alerting.concerns(cause) ON DELETE CASCADE;

