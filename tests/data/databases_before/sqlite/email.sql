BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('email_0001');
INSERT INTO "alembic_version" VALUES('runtime_0002');
CREATE TABLE email_recipients (
	queue VARCHAR(255) NOT NULL, 
	job_id VARCHAR(255) NOT NULL, 
	recipient VARCHAR(320) NOT NULL, 
	outcome VARCHAR(20) NOT NULL, 
	answer VARCHAR(300) NOT NULL, 
	round INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (queue, job_id, recipient)
);
INSERT INTO "email_recipients" VALUES('email.send','mail-1','ada@example.com','delivered','250 2.0.0 accepted',0,'2026-11-30 00:01:52.697653');
INSERT INTO "email_recipients" VALUES('email.on.user.created','user-1','ada@example.com','delivered','250 2.0.0 accepted',0,'2026-11-30 00:02:03.075672');
CREATE TABLE email_suppressions (
	address VARCHAR(320) NOT NULL, 
	reason VARCHAR(300) NOT NULL, 
	since DATETIME NOT NULL, 
	PRIMARY KEY (address)
);
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
INSERT INTO "history" VALUES(1,'2026-11-30 00:01:53.810566','email.send','mail-2',NULL,1,0,'dead','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome',38.3,'afc2bb8d1a764e15879dbbe5de7485b5','email.send','postroom publish','2026-11-30 00:01:53.000000',12,'services.email.rendering.registry.Registry.find',NULL,'[{"masked":"a•••@example.com","digest":"b5fc85e55755f9e0d030a10ab4429b6b"}]','f9bec472ee2e4fa5a9dda7627f73004a',1);
INSERT INTO "history" VALUES(2,'2026-11-30 00:01:55.111331','email.send','mail-3',NULL,1,0,'dead','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome',88.0,'2c822dfe5b2e4247a8fe50724fc6b2fb','email.send','postroom publish','2026-11-30 00:01:54.000000',12,'services.email.rendering.registry.Registry.find',NULL,'[{"masked":"a•••@example.com","digest":"b5fc85e55755f9e0d030a10ab4429b6b"}]','f9bec472ee2e4fa5a9dda7627f73004a',1);
INSERT INTO "history" VALUES(3,'2026-11-30 00:02:34.823912','email.send','mail-3',NULL,1,1,'dead','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome',25.3,'8c1875b2f8084dc6b34e394dff92e886','email.send','postroom publish','2026-11-30 00:01:54.000000',12,'services.email.rendering.registry.Registry.find',NULL,'[{"masked":"a•••@example.com","digest":"b5fc85e55755f9e0d030a10ab4429b6b"}]','f9bec472ee2e4fa5a9dda7627f73004a',1);
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
INSERT INTO "inbox" VALUES('email.send','mail-1','done','f9bec472ee2e4fa5a9dda7627f73004a',1,'2026-11-30 00:01:52.737392');
INSERT INTO "inbox" VALUES('email.on.user.created','user-1','done','f9bec472ee2e4fa5a9dda7627f73004a',1,'2026-11-30 00:02:03.087958');
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_email_recipients_at ON email_recipients (at);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
