BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('sms_0001');
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
INSERT INTO "history" VALUES(1,'2026-11-30 00:01:57.805502','sms.send','text-2',NULL,1,0,'dead','InvalidNumber','to: ••• is not a phone number',22.2,'b6a16ac926bd4e468012f75052a65031','sms.send','postroom publish','2026-11-30 00:01:57.000000',10,'services.sms.numbers.NumberReader.read',NULL,'[{"masked":"•••","digest":"275cca81e285f4a39a06dd3d5d61663e"}]','ee11b73e64e645f6a36c83148d966270',1);
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
INSERT INTO "inbox" VALUES('sms.send','text-1','done','ee11b73e64e645f6a36c83148d966270',1,'2026-11-30 00:01:56.497627');
CREATE TABLE sms_opted_out (
	number VARCHAR(16) NOT NULL, 
	reason VARCHAR(300) NOT NULL, 
	since DATETIME NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE sms_parts (
	gateway VARCHAR(20) NOT NULL, 
	provider_id VARCHAR(255) NOT NULL, 
	queue VARCHAR(255), 
	job_id VARCHAR(255), 
	state VARCHAR(11) NOT NULL, 
	reason VARCHAR(300), 
	at DATETIME NOT NULL, 
	PRIMARY KEY (gateway, provider_id)
);
INSERT INTO "sms_parts" VALUES('console','a85b7c2ff9a740058c0678d4fef2a86e','sms.send','text-1','accepted',NULL,'2026-11-30 00:01:56.489232');
CREATE TABLE sms_texts (
	queue VARCHAR(255) NOT NULL, 
	job_id VARCHAR(255) NOT NULL, 
	to_masked VARCHAR(40) NOT NULL, 
	to_hash VARCHAR(64), 
	sender VARCHAR(16), 
	encoding VARCHAR(5) NOT NULL, 
	segments INTEGER NOT NULL, 
	state VARCHAR(11) NOT NULL, 
	may_be_double BOOLEAN NOT NULL, 
	gateway VARCHAR(20), 
	reason VARCHAR(300), 
	round INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	accepted_at DATETIME, 
	ended_at DATETIME, 
	announced_at DATETIME, 
	PRIMARY KEY (queue, job_id)
);
INSERT INTO "sms_texts" VALUES('sms.send','text-1','+49•••••567',NULL,NULL,'GSM-7',1,'accepted',0,'console',NULL,0,'2026-11-30 00:01:56.493171','2026-11-30 00:01:56.489009',NULL,NULL);
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_sms_texts_to_hash ON sms_texts (to_hash);
CREATE INDEX ix_sms_texts_at ON sms_texts (at);
CREATE INDEX ix_sms_texts_not_announced ON sms_texts (ended_at) WHERE ended_at IS NOT NULL AND announced_at IS NULL;
CREATE INDEX ix_sms_parts_text ON sms_parts (queue, job_id);
CREATE INDEX ix_sms_parts_at ON sms_parts (at);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
