BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('alerting_watching_0001');
INSERT INTO "alembic_version" VALUES('alerting_0003');
INSERT INTO "alembic_version" VALUES('runtime_0002');
CREATE TABLE channels (
	channel VARCHAR(64) NOT NULL, 
	digest_at DATETIME, 
	tries INTEGER NOT NULL, 
	held_by VARCHAR(36), 
	held_until DATETIME, 
	PRIMARY KEY (channel)
);
CREATE TABLE concern_notices (
	cause VARCHAR(16) NOT NULL, 
	channel VARCHAR(64) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	due_at DATETIME, 
	told_episode INTEGER NOT NULL, 
	told_state VARCHAR(16) NOT NULL, 
	told_count INTEGER NOT NULL, 
	told_at DATETIME, 
	quiet_until DATETIME, 
	next_at DATETIME, 
	tries INTEGER NOT NULL, 
	held_by VARCHAR(36), 
	held_until DATETIME, 
	PRIMARY KEY (cause, channel, role), 
	FOREIGN KEY(cause) REFERENCES concerns (cause) ON DELETE CASCADE
);
INSERT INTO "concern_notices" VALUES('ad624b32bd','log','first',NULL,1,'open',1,'2026-11-30 00:01:54.190460','2026-11-29 23:31:54.100763','2026-11-30 00:16:54.190460',0,NULL,NULL);
INSERT INTO "concern_notices" VALUES('2a30c409a9','log','first',NULL,1,'open',1,'2026-11-30 00:01:57.809054','2026-11-29 23:31:57.806198','2026-11-30 00:16:57.809054',0,NULL,NULL);
CREATE TABLE concerns (
	cause VARCHAR(16) NOT NULL, 
	about VARCHAR(16) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	what VARCHAR(255) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	episode INTEGER NOT NULL, 
	opened_at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	closed_at DATETIME, 
	closed_by VARCHAR(255) NOT NULL, 
	total INTEGER NOT NULL, 
	unsettled INTEGER NOT NULL, 
	muted_until DATETIME, 
	muted_by VARCHAR(255) NOT NULL, 
	mute_reason TEXT NOT NULL, 
	PRIMARY KEY (cause)
);
INSERT INTO "concerns" VALUES('ad624b32bd','failures','email.send','UnknownTemplate','open',1,'2026-11-30 00:01:53.852211','2026-11-30 00:02:34.810908',NULL,'',3,2,'2026-12-30 00:02:38.698167','operator','known');
INSERT INTO "concerns" VALUES('2a30c409a9','failures','sms.send','InvalidNumber','open',1,'2026-11-30 00:01:57.802822','2026-11-30 00:01:57.783765',NULL,'',1,1,NULL,'','');
CREATE TABLE conditions (
	cause VARCHAR(16) NOT NULL, 
	source VARCHAR(255) NOT NULL, 
	"key" VARCHAR(512) NOT NULL, 
	severity VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	advice TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	PRIMARY KEY (cause), 
	FOREIGN KEY(cause) REFERENCES concerns (cause) ON DELETE CASCADE
);
CREATE TABLE failure_groups (
	cause VARCHAR(16) NOT NULL, 
	queue VARCHAR(255) NOT NULL, 
	error_type VARCHAR(255) NOT NULL, 
	folded_error TEXT NOT NULL, 
	error TEXT NOT NULL, 
	first_at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	count INTEGER NOT NULL, 
	notified_at DATETIME, place VARCHAR(255) DEFAULT '' NOT NULL, 
	PRIMARY KEY (cause)
);
INSERT INTO "failure_groups" VALUES('ad624b32bd','email.send','UnknownTemplate','template: there is no <value>; there are password-reset, report-ready, welcome','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome','2026-11-30 00:01:53.785535','2026-11-30 00:02:34.810908',3,'2026-11-30 00:01:54.190460','services.email.rendering.registry.Registry.find');
INSERT INTO "failure_groups" VALUES('2a30c409a9','sms.send','InvalidNumber','to: ••• is not a phone number','to: ••• is not a phone number','2026-11-30 00:01:57.783765','2026-11-30 00:01:57.783765',1,'2026-11-30 00:01:57.809054','services.sms.numbers.NumberReader.read');
CREATE TABLE failure_trend (
	cause VARCHAR(16) NOT NULL, 
	at DATETIME NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (cause, at)
);
INSERT INTO "failure_trend" VALUES('ad624b32bd','2026-11-30 00:00:00.000000',3);
INSERT INTO "failure_trend" VALUES('2a30c409a9','2026-11-30 00:00:00.000000',1);
CREATE TABLE failures (
	queue VARCHAR(255) NOT NULL, 
	message_id VARCHAR(255) NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	cause VARCHAR(16) NOT NULL, 
	error_type VARCHAR(255) NOT NULL, 
	error TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	first_at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	last_death VARCHAR(512) NOT NULL, 
	count INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	replays INTEGER NOT NULL, state VARCHAR(16) DEFAULT 'open' NOT NULL, 
	PRIMARY KEY (queue, message_id)
);
INSERT INTO "failures" VALUES('email.send','mail-2','email.send','ad624b32bd','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome','{"to": "a•••@example.com", "template": "no-such-template"}','2026-11-30 00:01:53.785535','2026-11-30 00:01:53.785535','2026-11-30T00:01:53.785535+00:00',1,1,0,'open');
INSERT INTO "failures" VALUES('email.send','mail-3','email.send','ad624b32bd','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome','{"to": "a•••@example.com", "template": "no-such-template"}','2026-11-30 00:01:55.032481','2026-11-30 00:02:34.810908','2026-11-30T00:02:34.810908+00:00',2,1,1,'open');
INSERT INTO "failures" VALUES('sms.send','text-2','sms.send','2a30c409a9','InvalidNumber','to: ••• is not a phone number','{"to": "+49", "message": "Hello"}','2026-11-30 00:01:57.783765','2026-11-30 00:01:57.783765','2026-11-30T00:01:57.783765+00:00',1,1,0,'open');
CREATE TABLE heard (
	topic VARCHAR(20) NOT NULL, 
	service VARCHAR(255) NOT NULL, 
	instance VARCHAR(255) NOT NULL, 
	is_open BOOLEAN NOT NULL, 
	since DATETIME NOT NULL, 
	reason TEXT NOT NULL, 
	late_seconds FLOAT NOT NULL, 
	due INTEGER NOT NULL, 
	heard_at DATETIME NOT NULL, 
	PRIMARY KEY (topic, service, instance)
);
INSERT INTO "heard" VALUES('scheduler','scheduler','a131ee06e29c4caeb2202a69c023c21a',0,'2026-11-30 00:01:49.269581','',0.0,0,'2026-11-30 00:01:49.909229');
CREATE TABLE history (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	queue VARCHAR(255) NOT NULL, 
	message_id VARCHAR(512), 
	correlation_id VARCHAR(255), 
	attempt INTEGER NOT NULL, 
	replays INTEGER NOT NULL, 
	outcome VARCHAR(10) NOT NULL, 
	error_type VARCHAR(255), 
	error TEXT, 
	milliseconds FLOAT NOT NULL, try_id VARCHAR(64), kind VARCHAR(255), app_id VARCHAR(255), published_at DATETIME, attempts INTEGER, place VARCHAR(255), next_at DATETIME, recipients TEXT, holder VARCHAR(64), is_told BOOLEAN DEFAULT 1 NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
INSERT INTO "inbox" VALUES('alerting.on.scheduler.measured','dac2a4bb-9aff-4c0d-95f4-7824c4b45884','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:01:49.910894');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-36ba1b3fab71e9bb1394d25f9c64a205','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:01:50.595678');
INSERT INTO "inbox" VALUES('alerting','8c690d8a-acde-5034-b60b-9d62ab8b4d1c','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:01:54.387185');
INSERT INTO "inbox" VALUES('alerting','02c8206a-8b04-5dda-b912-d1e9d4396a06','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:01:55.500000');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-04d2a78f4b306cf60816d526ab7920ef','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:01:55.532987');
INSERT INTO "inbox" VALUES('alerting','8e18b21b-3073-5253-a24a-2f1fe2a84928','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:01:57.812712');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-5538242ccec8a59d1fbe48fc6043c343','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:00.175749');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-b44428f56081ab3a94134194036939cb','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:05.056057');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-e50a1e06216462b05aa992a4b6d3d4a1','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:10.044130');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-0176e009f7333003368026fc9b6f1b32','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:15.032183');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-407cdb5d59d1f7d62fc5b2f8f7092205','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:20.142297');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-e513afc829240c82f0f3ea863fffd753','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:25.128528');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-189acd52bc59d850a2624d3f056e3def','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:30.029846');
INSERT INTO "inbox" VALUES('alerting.on.dead-letter.replayed','121dced6-4180-47be-a26c-fe3c4dbed032','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:34.792850');
INSERT INTO "inbox" VALUES('alerting','2ddf980d-e95f-540a-93db-c40caeb1eefa','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:34.838290');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-dc874492afaad12da72b2b915f196de5','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:35.063202');
INSERT INTO "inbox" VALUES('alerting.on.job.completed','done-d2c59c5fc71ab707c2e51a9184c4933e','done','27f674c0c34247cb9c615189661b816b',1,'2026-11-30 00:02:40.058532');
CREATE TABLE lone_messages (
	token VARCHAR(36) NOT NULL, 
	channel VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (token)
);
INSERT INTO "lone_messages" VALUES('d25fd845-8282-4b1d-921a-489e963de309','log','2026-11-30 00:01:54.190460');
INSERT INTO "lone_messages" VALUES('05ea5fb6-5741-47cc-b00e-9b4ec88ae43f','log','2026-11-30 00:01:57.809054');
CREATE TABLE settlements (
	queue VARCHAR(255) NOT NULL, 
	message_id VARCHAR(255) NOT NULL, 
	done_replays INTEGER NOT NULL, 
	discarded_at DATETIME, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (queue, message_id)
);
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_failures_cause_last_at ON failures (cause, last_at);
CREATE INDEX ix_failures_last_at ON failures (last_at);
CREATE INDEX ix_failure_groups_last_at ON failure_groups (last_at);
CREATE INDEX ix_concerns_closed_at ON concerns (closed_at);
CREATE INDEX ix_concern_notices_channel ON concern_notices (channel);
CREATE INDEX ix_conditions_source ON conditions (source);
CREATE INDEX ix_failure_trend_at ON failure_trend (at);
CREATE INDEX ix_settlements_at ON settlements (at);
CREATE INDEX ix_lone_messages_channel_at ON lone_messages (channel, at);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
