BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('webhook_0001');
INSERT INTO "alembic_version" VALUES('runtime_0002');
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
INSERT INTO "history" VALUES(1,'2026-11-30 00:01:59.224934','webhook.deliver','hook-1',NULL,1,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed',118.2,'17771e26ae5b4a5180ce78c9e5ec0957','webhook.deliver','postroom publish','2026-11-30 00:01:59.000000',16,'services.webhook.caller.http.HttpCaller.call','2026-11-30 00:02:01.224934',NULL,'4743e8634f144a5ea900aa0c0562b9aa',1);
INSERT INTO "history" VALUES(2,'2026-11-30 00:02:01.459463','webhook.deliver','hook-1',NULL,2,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed',233.5,'912e3ba2f2664eb2bf54fc6b944b3df8','webhook.deliver','postroom publish','2026-11-30 00:01:59.000000',16,'services.webhook.caller.http.HttpCaller.call','2026-11-30 00:02:05.459463',NULL,'4743e8634f144a5ea900aa0c0562b9aa',1);
INSERT INTO "history" VALUES(3,'2026-11-30 00:02:05.470811','webhook.deliver','hook-1',NULL,3,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed',11.2,'76debe9bbac74568b247fefaed8db1f2','webhook.deliver','postroom publish','2026-11-30 00:01:59.000000',16,'services.webhook.caller.http.HttpCaller.call','2026-11-30 00:02:13.470811',NULL,'4743e8634f144a5ea900aa0c0562b9aa',1);
INSERT INTO "history" VALUES(4,'2026-11-30 00:02:13.492426','webhook.deliver','hook-1',NULL,4,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed',17.0,'4a2f41ef05114bada9516fd4a4021986','webhook.deliver','postroom publish','2026-11-30 00:01:59.000000',16,'services.webhook.caller.http.HttpCaller.call','2026-11-30 00:02:29.492426',NULL,'4743e8634f144a5ea900aa0c0562b9aa',1);
INSERT INTO "history" VALUES(5,'2026-11-30 00:02:29.521137','webhook.deliver','hook-1',NULL,5,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed',12.9,'3feaa47b958f46bba076c0d7871c4f14','webhook.deliver','postroom publish','2026-11-30 00:01:59.000000',16,'services.webhook.caller.http.HttpCaller.call','2026-11-30 00:03:01.521137',NULL,'4743e8634f144a5ea900aa0c0562b9aa',1);
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
CREATE TABLE webhook_attempts (
	id INTEGER NOT NULL, 
	message_id VARCHAR(255) NOT NULL, 
	attempt INTEGER NOT NULL, 
	replays INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	host VARCHAR(300) NOT NULL, 
	path VARCHAR(500) NOT NULL, 
	status INTEGER, 
	error VARCHAR(1000), 
	response TEXT NOT NULL, 
	milliseconds INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "webhook_attempts" VALUES(1,'hook-1',1,0,'2026-11-30 00:01:59.107206','127.0.0.1:9','/',NULL,'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed','',1);
INSERT INTO "webhook_attempts" VALUES(2,'hook-1',2,0,'2026-11-30 00:02:01.226369','127.0.0.1:9','/',NULL,'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed','',4);
INSERT INTO "webhook_attempts" VALUES(3,'hook-1',3,0,'2026-11-30 00:02:05.461046','127.0.0.1:9','/',NULL,'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed','',1);
INSERT INTO "webhook_attempts" VALUES(4,'hook-1',4,0,'2026-11-30 00:02:13.475669','127.0.0.1:9','/',NULL,'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed','',7);
INSERT INTO "webhook_attempts" VALUES(5,'hook-1',5,0,'2026-11-30 00:02:29.508589','127.0.0.1:9','/',NULL,'ReceiverUnreachable: 127.0.0.1:9: All connection attempts failed','',1);
CREATE TABLE webhook_items (
	source VARCHAR(128) NOT NULL, 
	item_id VARCHAR(255) NOT NULL, 
	hash VARCHAR(64), 
	version INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	PRIMARY KEY (source, item_id)
);
CREATE TABLE webhook_sources (
	name VARCHAR(128) NOT NULL, 
	description VARCHAR(64) NOT NULL, 
	run INTEGER NOT NULL, 
	pages INTEGER NOT NULL, 
	cursor TEXT, 
	etag TEXT, 
	last_modified TEXT, 
	finished_at DATETIME, 
	held_by VARCHAR(255), 
	held_until DATETIME, 
	PRIMARY KEY (name)
);
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_webhook_attempts_message_id ON webhook_attempts (message_id, id);
CREATE INDEX ix_webhook_attempts_at ON webhook_attempts (at);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
