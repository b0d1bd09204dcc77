BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('scheduler_0001');
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
CREATE TABLE inbox (
	queue VARCHAR(255) NOT NULL, 
	identity VARCHAR(512) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	starts INTEGER NOT NULL, 
	finished_at DATETIME, 
	PRIMARY KEY (queue, identity)
);
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-36ba1b3fab71e9bb1394d25f9c64a205','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:01:50.410712');
INSERT INTO "inbox" VALUES('scheduler.on.job.failed','8c690d8a-acde-5034-b60b-9d62ab8b4d1c','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:01:54.471895');
INSERT INTO "inbox" VALUES('scheduler.on.job.failed','02c8206a-8b04-5dda-b912-d1e9d4396a06','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:01:55.313089');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-04d2a78f4b306cf60816d526ab7920ef','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:01:55.385806');
INSERT INTO "inbox" VALUES('scheduler.on.job.failed','8e18b21b-3073-5253-a24a-2f1fe2a84928','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:01:57.814814');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-5538242ccec8a59d1fbe48fc6043c343','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:00.260081');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-b44428f56081ab3a94134194036939cb','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:05.100051');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-e50a1e06216462b05aa992a4b6d3d4a1','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:10.055220');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-0176e009f7333003368026fc9b6f1b32','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:15.041544');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-407cdb5d59d1f7d62fc5b2f8f7092205','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:20.194430');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-e513afc829240c82f0f3ea863fffd753','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:25.147005');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-189acd52bc59d850a2624d3f056e3def','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:30.028247');
INSERT INTO "inbox" VALUES('scheduler.on.job.failed','2ddf980d-e95f-540a-93db-c40caeb1eefa','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:34.834240');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-dc874492afaad12da72b2b915f196de5','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:35.062142');
INSERT INTO "inbox" VALUES('scheduler.on.job.completed','done-d2c59c5fc71ab707c2e51a9184c4933e','done','63448aac0edf468e844ab619b711b3af',1,'2026-11-30 00:02:40.092465');
CREATE TABLE schedules (
	name VARCHAR(300) NOT NULL, 
	source VARCHAR(10) NOT NULL, 
	definition TEXT NOT NULL, 
	is_paused BOOLEAN NOT NULL, 
	next_at DATETIME, 
	last_at DATETIME, 
	changed_at DATETIME NOT NULL, 
	changed_by VARCHAR(255) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "schedules" VALUES('nightly','file','{"body":{"older_than_days":30,"target":"ticks"},"cron":"0 2 * * *","job":"maintenance.clean","name":"nightly","time_zone":"Europe/Berlin"}',0,'2026-11-30 01:00:00.000000',NULL,'2026-11-30 00:01:49.272431','file schedules.yaml');
INSERT INTO "schedules" VALUES('often','file','{"body":{"older_than_days":30,"target":"ticks"},"every":"5s","job":"maintenance.clean","name":"often"}',0,'2026-11-30 00:02:45.000000','2026-11-30 00:02:40.000000','2026-11-30 00:01:49.272431','file schedules.yaml');
INSERT INTO "schedules" VALUES('hello','database','{"event":"hello.said","every":"1h","name":"hello"}',0,'2026-11-30 01:00:00.000000',NULL,'2026-11-30 00:02:04.426190','operator (postroom schedules)');
CREATE TABLE ticks (
	schedule VARCHAR(300) NOT NULL, 
	fire_time DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	exchange VARCHAR(255) NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	body TEXT NOT NULL, 
	headers TEXT NOT NULL, 
	message_id VARCHAR(255) NOT NULL, 
	correlation_id VARCHAR(255), 
	app_id VARCHAR(255), 
	claimed_until DATETIME, 
	published_at DATETIME, 
	finished_at DATETIME, 
	error VARCHAR(1000), 
	PRIMARY KEY (schedule, fire_time)
);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:01:50.000000','2026-11-30 00:01:50.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:01:50Z"}','often@2026-11-30T00:01:50Z',NULL,'scheduler','2026-11-30 00:02:05.004466','2026-11-30 00:01:50.009575','2026-11-30 00:01:50.388494',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:01:55.000000','2026-11-30 00:01:55.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:01:55Z"}','often@2026-11-30T00:01:55Z',NULL,'scheduler','2026-11-30 00:02:10.012987','2026-11-30 00:01:55.112579','2026-11-30 00:01:55.350335',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:00.000000','2026-11-30 00:02:00.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:00Z"}','often@2026-11-30T00:02:00Z',NULL,'scheduler','2026-11-30 00:02:15.009640','2026-11-30 00:02:00.097497','2026-11-30 00:02:00.154999',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:05.000000','2026-11-30 00:02:05.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:05Z"}','often@2026-11-30T00:02:05Z',NULL,'scheduler','2026-11-30 00:02:20.006939','2026-11-30 00:02:05.060171','2026-11-30 00:02:05.043868',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:10.000000','2026-11-30 00:02:10.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:10Z"}','often@2026-11-30T00:02:10Z',NULL,'scheduler','2026-11-30 00:02:25.014761','2026-11-30 00:02:10.023121','2026-11-30 00:02:10.039528',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:15.000000','2026-11-30 00:02:15.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:15Z"}','often@2026-11-30T00:02:15Z',NULL,'scheduler','2026-11-30 00:02:30.003515','2026-11-30 00:02:15.020650','2026-11-30 00:02:15.026067',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:20.000000','2026-11-30 00:02:20.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:20Z"}','often@2026-11-30T00:02:20Z',NULL,'scheduler','2026-11-30 00:02:35.015140','2026-11-30 00:02:20.106449','2026-11-30 00:02:20.136945',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:25.000000','2026-11-30 00:02:25.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:25Z"}','often@2026-11-30T00:02:25Z',NULL,'scheduler','2026-11-30 00:02:40.053270','2026-11-30 00:02:25.086201','2026-11-30 00:02:25.099079',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:30.000000','2026-11-30 00:02:30.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:30Z"}','often@2026-11-30T00:02:30Z',NULL,'scheduler','2026-11-30 00:02:45.009891','2026-11-30 00:02:30.015241','2026-11-30 00:02:30.022759',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:35.000000','2026-11-30 00:02:35.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:35Z"}','often@2026-11-30T00:02:35Z',NULL,'scheduler','2026-11-30 00:02:50.024023','2026-11-30 00:02:35.077495','2026-11-30 00:02:35.035758',NULL);
INSERT INTO "ticks" VALUES('often','2026-11-30 00:02:40.000000','2026-11-30 00:02:40.000000','done','jobs','maintenance.clean','{"older_than_days":30,"target":"ticks"}','{"x-schedule":"often","x-fire-time":"2026-11-30T00:02:40Z"}','often@2026-11-30T00:02:40Z',NULL,'scheduler','2026-11-30 00:02:55.020313','2026-11-30 00:02:40.074707','2026-11-30 00:02:40.053791',NULL);
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE INDEX ix_schedules_next_at ON schedules (next_at);
CREATE INDEX ix_ticks_state_due_at ON ticks (state, due_at);
CREATE INDEX ix_ticks_message_id ON ticks (message_id);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
