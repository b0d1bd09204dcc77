BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('audit_0003');
INSERT INTO "alembic_version" VALUES('runtime_0002');
CREATE TABLE dead_letter_events (
	message_id VARCHAR(512) NOT NULL, 
	queue VARCHAR(255) NOT NULL, 
	told_by VARCHAR(255) NOT NULL, 
	at DATETIME NOT NULL, 
	what VARCHAR(10) NOT NULL, 
	who VARCHAR(255), 
	replays BIGINT, 
	reason TEXT, 
	was TEXT, kind VARCHAR(255), 
	PRIMARY KEY (message_id, queue, told_by)
);
INSERT INTO "dead_letter_events" VALUES('mail-2','email.send','8c690d8a-acde-5034-b60b-9d62ab8b4d1c','2026-11-30 00:01:53.785535','died',NULL,0,'UnknownTemplate: template: there is no ''no-such-template''; there are password-reset, report-ready, welcome',NULL,'email.send');
INSERT INTO "dead_letter_events" VALUES('mail-3','email.send','02c8206a-8b04-5dda-b912-d1e9d4396a06','2026-11-30 00:01:55.032481','died',NULL,0,'UnknownTemplate: template: there is no ''no-such-template''; there are password-reset, report-ready, welcome',NULL,'email.send');
INSERT INTO "dead_letter_events" VALUES('text-2','sms.send','8e18b21b-3073-5253-a24a-2f1fe2a84928','2026-11-30 00:01:57.783765','died',NULL,0,'InvalidNumber: to: ••• is not a phone number',NULL,'sms.send');
INSERT INTO "dead_letter_events" VALUES('mail-3','email.send','121dced6-4180-47be-a26c-fe3c4dbed032','2026-11-30 00:02:34.775316','replayed','operator@host',1,NULL,NULL,NULL);
INSERT INTO "dead_letter_events" VALUES('mail-3','email.send','2ddf980d-e95f-540a-93db-c40caeb1eefa','2026-11-30 00:02:34.810908','died',NULL,1,'UnknownTemplate: template: there is no ''no-such-template''; there are password-reset, report-ready, welcome',NULL,'email.send');
CREATE TABLE events (
	id INTEGER NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	at DATETIME NOT NULL, 
	message_id VARCHAR(255), 
	correlation_id VARCHAR(255), 
	app_id VARCHAR(255), 
	body TEXT NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,'schedule.fired','2026-11-30 00:01:50.000000','schedule.fired:often@2026-11-30T00:01:50Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:01:50Z"}','2026-11-30 00:01:50.012415');
INSERT INTO "events" VALUES(2,'job.completed','2026-11-30 00:01:50.000000','done-36ba1b3fab71e9bb1394d25f9c64a205',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:01:50Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:01:50.388494Z"}','2026-11-30 00:01:50.412314');
INSERT INTO "events" VALUES(3,'job.failed','2026-11-30 00:01:54.000000','8c690d8a-acde-5034-b60b-9d62ab8b4d1c',NULL,'alerting','{"queue":"email.send","job_id":"mail-2","job_kind":"email.send","error_type":"UnknownTemplate","error":"template: there is no ''no-such-template''; there are password-reset, report-ready, welcome","attempts":1,"replays":0,"failed_at":"2026-11-30T00:01:53.785535Z"}','2026-11-30 00:01:54.340951');
INSERT INTO "events" VALUES(4,'schedule.fired','2026-11-30 00:01:55.000000','schedule.fired:often@2026-11-30T00:01:55Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:01:55Z"}','2026-11-30 00:01:55.108595');
INSERT INTO "events" VALUES(5,'job.failed','2026-11-30 00:01:55.000000','02c8206a-8b04-5dda-b912-d1e9d4396a06',NULL,'alerting','{"queue":"email.send","job_id":"mail-3","job_kind":"email.send","error_type":"UnknownTemplate","error":"template: there is no ''no-such-template''; there are password-reset, report-ready, welcome","attempts":1,"replays":0,"failed_at":"2026-11-30T00:01:55.032481Z"}','2026-11-30 00:01:55.311528');
INSERT INTO "events" VALUES(6,'job.completed','2026-11-30 00:01:55.000000','done-04d2a78f4b306cf60816d526ab7920ef',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:01:55Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:01:55.350335Z"}','2026-11-30 00:01:55.384253');
INSERT INTO "events" VALUES(7,'job.failed','2026-11-30 00:01:57.000000','8e18b21b-3073-5253-a24a-2f1fe2a84928',NULL,'alerting','{"queue":"sms.send","job_id":"text-2","job_kind":"sms.send","error_type":"InvalidNumber","error":"to: ••• is not a phone number","attempts":1,"replays":0,"failed_at":"2026-11-30T00:01:57.783765Z"}','2026-11-30 00:01:57.812978');
INSERT INTO "events" VALUES(8,'schedule.fired','2026-11-30 00:02:00.000000','schedule.fired:often@2026-11-30T00:02:00Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:00Z"}','2026-11-30 00:02:00.091455');
INSERT INTO "events" VALUES(9,'job.completed','2026-11-30 00:02:00.000000','done-5538242ccec8a59d1fbe48fc6043c343',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:00Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:00.154999Z"}','2026-11-30 00:02:00.166694');
INSERT INTO "events" VALUES(10,'user.created','2026-11-30 00:02:03.000000','user-1',NULL,'postroom publish','{"id":"u-1","email":"a•••@example.com","name":"Ada"}','2026-11-30 00:02:03.032885');
INSERT INTO "events" VALUES(11,'report.progress','2026-11-30 00:02:03.000000','93553d37-23ae-4920-a32f-4cff1db2b738',NULL,'report','{"id":"report-1","type":"table","rows":2,"pages":0,"documents":1}','2026-11-30 00:02:03.310996');
INSERT INTO "events" VALUES(12,'report.ready','2026-11-30 00:02:03.000000','24b3145c085532ad011bf88ccde8a443',NULL,'report','{"id":"report-1","type":"table","format":"csv","url":"file:///var/lib/postroom/reports/table/2026-11/8f6decfb25303bbe670581f55c846b5a.csv","rows":2,"bytes":12}','2026-11-30 00:02:03.361009');
INSERT INTO "events" VALUES(13,'schedule.fired','2026-11-30 00:02:05.000000','schedule.fired:often@2026-11-30T00:02:05Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:05Z"}','2026-11-30 00:02:05.034696');
INSERT INTO "events" VALUES(14,'job.completed','2026-11-30 00:02:05.000000','done-b44428f56081ab3a94134194036939cb',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:05Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:05.043868Z"}','2026-11-30 00:02:05.056759');
INSERT INTO "events" VALUES(15,'schedule.fired','2026-11-30 00:02:10.000000','schedule.fired:often@2026-11-30T00:02:10Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:10Z"}','2026-11-30 00:02:10.025622');
INSERT INTO "events" VALUES(16,'job.completed','2026-11-30 00:02:10.000000','done-e50a1e06216462b05aa992a4b6d3d4a1',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:10Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:10.039528Z"}','2026-11-30 00:02:10.042345');
INSERT INTO "events" VALUES(17,'schedule.fired','2026-11-30 00:02:15.000000','schedule.fired:often@2026-11-30T00:02:15Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:15Z"}','2026-11-30 00:02:15.012291');
INSERT INTO "events" VALUES(18,'job.completed','2026-11-30 00:02:15.000000','done-0176e009f7333003368026fc9b6f1b32',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:15Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:15.026067Z"}','2026-11-30 00:02:15.029358');
INSERT INTO "events" VALUES(19,'schedule.fired','2026-11-30 00:02:20.000000','schedule.fired:often@2026-11-30T00:02:20Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:20Z"}','2026-11-30 00:02:20.079213');
INSERT INTO "events" VALUES(20,'job.completed','2026-11-30 00:02:20.000000','done-407cdb5d59d1f7d62fc5b2f8f7092205',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:20Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:20.136945Z"}','2026-11-30 00:02:20.140196');
INSERT INTO "events" VALUES(21,'schedule.fired','2026-11-30 00:02:25.000000','schedule.fired:often@2026-11-30T00:02:25Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:25Z"}','2026-11-30 00:02:25.085185');
INSERT INTO "events" VALUES(22,'job.completed','2026-11-30 00:02:25.000000','done-e513afc829240c82f0f3ea863fffd753',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:25Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:25.099079Z"}','2026-11-30 00:02:25.108436');
INSERT INTO "events" VALUES(23,'schedule.fired','2026-11-30 00:02:30.000000','schedule.fired:often@2026-11-30T00:02:30Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:30Z"}','2026-11-30 00:02:30.017309');
INSERT INTO "events" VALUES(24,'job.completed','2026-11-30 00:02:30.000000','done-189acd52bc59d850a2624d3f056e3def',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:30Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:30.022759Z"}','2026-11-30 00:02:30.030561');
INSERT INTO "events" VALUES(25,'dead-letter.replayed','2026-11-30 00:02:34.000000','121dced6-4180-47be-a26c-fe3c4dbed032',NULL,'postroom dead','{"queue":"email.send","message_ids":["mail-3"],"replays":{"mail-3":1},"by":"o•••@vm","at":"2026-11-30T00:02:34.775316Z","was":null}','2026-11-30 00:02:34.786420');
INSERT INTO "events" VALUES(26,'job.failed','2026-11-30 00:02:34.000000','2ddf980d-e95f-540a-93db-c40caeb1eefa',NULL,'alerting','{"queue":"email.send","job_id":"mail-3","job_kind":"email.send","error_type":"UnknownTemplate","error":"template: there is no ''no-such-template''; there are password-reset, report-ready, welcome","attempts":1,"replays":1,"failed_at":"2026-11-30T00:02:34.810908Z"}','2026-11-30 00:02:34.832640');
INSERT INTO "events" VALUES(27,'job.completed','2026-11-30 00:02:35.000000','done-dc874492afaad12da72b2b915f196de5',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:35Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:35.035758Z"}','2026-11-30 00:02:35.047927');
INSERT INTO "events" VALUES(28,'schedule.fired','2026-11-30 00:02:35.000000','schedule.fired:often@2026-11-30T00:02:35Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:35Z"}','2026-11-30 00:02:35.076586');
INSERT INTO "events" VALUES(29,'job.completed','2026-11-30 00:02:40.000000','done-d2c59c5fc71ab707c2e51a9184c4933e',NULL,'maintenance.clean','{"queue":"maintenance.clean","job_id":"o•••@2026-11-30T00:02:40Z","attempts":1,"replays":0,"completed_at":"2026-11-30T00:02:40.053791Z"}','2026-11-30 00:02:40.056518');
INSERT INTO "events" VALUES(30,'schedule.fired','2026-11-30 00:02:40.000000','schedule.fired:often@2026-11-30T00:02:40Z',NULL,'scheduler','{"schedule":"often","fire_time":"2026-11-30T00:02:40Z"}','2026-11-30 00:02:40.060339');
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
CREATE TABLE job_measurements (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	seconds FLOAT NOT NULL, 
	service VARCHAR(255) NOT NULL, 
	queue VARCHAR(255) NOT NULL, 
	outcome VARCHAR(10) NOT NULL, 
	milliseconds FLOAT NOT NULL, 
	count INTEGER NOT NULL, 
	message_id VARCHAR(255) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE tries (
	id INTEGER NOT NULL, 
	try_id VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	service VARCHAR(255) NOT NULL, 
	queue VARCHAR(255) NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	message_id VARCHAR(512) NOT NULL, 
	correlation_id VARCHAR(255), 
	app_id VARCHAR(255), 
	published_at DATETIME, 
	attempt BIGINT NOT NULL, 
	attempts BIGINT, 
	replays BIGINT NOT NULL, 
	outcome VARCHAR(10) NOT NULL, 
	error_type VARCHAR(255), 
	error TEXT, 
	place VARCHAR(255), 
	milliseconds FLOAT NOT NULL, 
	next_at DATETIME, 
	recipients TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "tries" VALUES(1,'956e3c6606ea44568e70c7dbe387671f','2026-11-30 00:01:50.327513','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:01:50Z',NULL,'scheduler','2026-11-30 00:01:50.000000',1,8,0,'done',NULL,NULL,NULL,308.6,NULL,NULL);
INSERT INTO "tries" VALUES(2,'afc2bb8d1a764e15879dbbe5de7485b5','2026-11-30 00:01:53.810566','email','email.send','email.send','mail-2',NULL,'postroom publish','2026-11-30 00:01:53.000000',1,12,0,'dead','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome','services.email.rendering.registry.Registry.find',38.3,NULL,'["a•••@example.com"]');
INSERT INTO "tries" VALUES(3,'2c822dfe5b2e4247a8fe50724fc6b2fb','2026-11-30 00:01:55.111331','email','email.send','email.send','mail-3',NULL,'postroom publish','2026-11-30 00:01:54.000000',1,12,0,'dead','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome','services.email.rendering.registry.Registry.find',88.0,NULL,'["a•••@example.com"]');
INSERT INTO "tries" VALUES(4,'0ad1d03801e84bb4bc6f56bfefa5fcf2','2026-11-30 00:01:55.224552','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:01:55Z',NULL,'scheduler','2026-11-30 00:01:55.000000',1,8,0,'done',NULL,NULL,NULL,121.8,NULL,NULL);
INSERT INTO "tries" VALUES(5,'b6a16ac926bd4e468012f75052a65031','2026-11-30 00:01:57.805502','sms','sms.send','sms.send','text-2',NULL,'postroom publish','2026-11-30 00:01:57.000000',1,10,0,'dead','InvalidNumber','to: ••• is not a phone number','services.sms.numbers.NumberReader.read',22.2,NULL,'["•••"]');
INSERT INTO "tries" VALUES(6,'17771e26ae5b4a5180ce78c9e5ec0957','2026-11-30 00:01:59.224934','webhook','webhook.deliver','webhook.deliver','hook-1',NULL,'postroom publish','2026-11-30 00:01:59.000000',1,16,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed','services.webhook.caller.http.HttpCaller.call',118.2,'2026-11-30 00:02:01.224934',NULL);
INSERT INTO "tries" VALUES(7,'5cf97c30aa0348e293dc51597f6989ba','2026-11-30 00:02:00.128222','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:00Z',NULL,'scheduler','2026-11-30 00:02:00.000000',1,8,0,'done',NULL,NULL,NULL,64.3,NULL,NULL);
INSERT INTO "tries" VALUES(8,'912e3ba2f2664eb2bf54fc6b944b3df8','2026-11-30 00:02:01.459463','webhook','webhook.deliver','webhook.deliver','hook-1',NULL,'postroom publish','2026-11-30 00:01:59.000000',2,16,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed','services.webhook.caller.http.HttpCaller.call',233.5,'2026-11-30 00:02:05.459463',NULL);
INSERT INTO "tries" VALUES(9,'2dfcb7c341724dd4afd853e68658bd1a','2026-11-30 00:02:03.363937','report','report.generate','report.generate','report-1',NULL,'postroom publish','2026-11-30 00:02:00.000000',1,5,0,'done',NULL,NULL,NULL,3070.8,NULL,NULL);
INSERT INTO "tries" VALUES(10,'45b402db076341f5ba7302e4e57e171b','2026-11-30 00:02:05.028020','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:05Z',NULL,'scheduler','2026-11-30 00:02:05.000000',1,8,0,'done',NULL,NULL,NULL,12.2,NULL,NULL);
INSERT INTO "tries" VALUES(11,'76debe9bbac74568b247fefaed8db1f2','2026-11-30 00:02:05.470811','webhook','webhook.deliver','webhook.deliver','hook-1',NULL,'postroom publish','2026-11-30 00:01:59.000000',3,16,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed','services.webhook.caller.http.HttpCaller.call',11.2,'2026-11-30 00:02:13.470811',NULL);
INSERT INTO "tries" VALUES(12,'479f4daf8b9d4a12bbc0d75d06af6932','2026-11-30 00:02:10.032091','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:10Z',NULL,'scheduler','2026-11-30 00:02:10.000000',1,8,0,'done',NULL,NULL,NULL,12.8,NULL,NULL);
INSERT INTO "tries" VALUES(13,'4a2f41ef05114bada9516fd4a4021986','2026-11-30 00:02:13.492426','webhook','webhook.deliver','webhook.deliver','hook-1',NULL,'postroom publish','2026-11-30 00:01:59.000000',4,16,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed','services.webhook.caller.http.HttpCaller.call',17.0,'2026-11-30 00:02:29.492426',NULL);
INSERT INTO "tries" VALUES(14,'7619e7891d094648afea44e23790659b','2026-11-30 00:02:15.023749','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:15Z',NULL,'scheduler','2026-11-30 00:02:15.000000',1,8,0,'done',NULL,NULL,NULL,13.7,NULL,NULL);
INSERT INTO "tries" VALUES(15,'4eb98ce863bb449c8527867fec570812','2026-11-30 00:02:20.129796','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:20Z',NULL,'scheduler','2026-11-30 00:02:20.000000',1,8,0,'done',NULL,NULL,NULL,91.7,NULL,NULL);
INSERT INTO "tries" VALUES(16,'8b2b0c972ed54af1ac72f62cc53a9107','2026-11-30 00:02:25.098244','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:25Z',NULL,'scheduler','2026-11-30 00:02:25.000000',1,8,0,'done',NULL,NULL,NULL,32.5,NULL,NULL);
INSERT INTO "tries" VALUES(17,'3feaa47b958f46bba076c0d7871c4f14','2026-11-30 00:02:29.521137','webhook','webhook.deliver','webhook.deliver','hook-1',NULL,'postroom publish','2026-11-30 00:01:59.000000',5,16,0,'retried','ReceiverUnreachable','127.0.0.1:9: All connection attempts failed','services.webhook.caller.http.HttpCaller.call',12.9,'2026-11-30 00:03:01.521137',NULL);
INSERT INTO "tries" VALUES(18,'f32fe0578ef84e17b274b88e68a7f20c','2026-11-30 00:02:30.022127','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:30Z',NULL,'scheduler','2026-11-30 00:02:30.000000',1,8,0,'done',NULL,NULL,NULL,8.1,NULL,NULL);
INSERT INTO "tries" VALUES(19,'8c1875b2f8084dc6b34e394dff92e886','2026-11-30 00:02:34.823912','email','email.send','email.send','mail-3',NULL,'postroom publish','2026-11-30 00:01:54.000000',1,12,1,'dead','UnknownTemplate','template: there is no ''no-such-template''; there are password-reset, report-ready, welcome','services.email.rendering.registry.Registry.find',25.3,NULL,'["a•••@example.com"]');
INSERT INTO "tries" VALUES(20,'afafef16418a42c0b08b89080055416b','2026-11-30 00:02:35.035134','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:35Z',NULL,'scheduler','2026-11-30 00:02:35.000000',1,8,0,'done',NULL,NULL,NULL,5.6,NULL,NULL);
INSERT INTO "tries" VALUES(21,'d66564727f6d4463a2cd740af19cbb72','2026-11-30 00:02:40.053178','maintenance','maintenance.clean','maintenance.clean','often@2026-11-30T00:02:40Z',NULL,'scheduler','2026-11-30 00:02:40.000000',1,8,0,'done',NULL,NULL,NULL,5.3,NULL,NULL);
CREATE TABLE try_recipients (
	try_id VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (try_id, digest)
);
INSERT INTO "try_recipients" VALUES('afc2bb8d1a764e15879dbbe5de7485b5','b5fc85e55755f9e0d030a10ab4429b6b','2026-11-30 00:01:53.810566');
INSERT INTO "try_recipients" VALUES('2c822dfe5b2e4247a8fe50724fc6b2fb','b5fc85e55755f9e0d030a10ab4429b6b','2026-11-30 00:01:55.111331');
INSERT INTO "try_recipients" VALUES('b6a16ac926bd4e468012f75052a65031','275cca81e285f4a39a06dd3d5d61663e','2026-11-30 00:01:57.805502');
INSERT INTO "try_recipients" VALUES('8c1875b2f8084dc6b34e394dff92e886','b5fc85e55755f9e0d030a10ab4429b6b','2026-11-30 00:02:34.823912');
CREATE TABLE workers (
	holder VARCHAR(64) NOT NULL, 
	beats INTEGER NOT NULL, 
	PRIMARY KEY (holder)
);
CREATE UNIQUE INDEX ix_events_kind_message_id ON events (kind, message_id);
CREATE INDEX ix_events_at ON events (at);
CREATE INDEX ix_events_kind_at ON events (kind, at);
CREATE UNIQUE INDEX ix_job_measurements_once ON job_measurements (message_id, queue, outcome, milliseconds);
CREATE INDEX ix_job_measurements_at ON job_measurements (at);
CREATE UNIQUE INDEX ix_tries_try_id ON tries (try_id);
CREATE INDEX ix_tries_message_id ON tries (message_id);
CREATE INDEX ix_tries_correlation_id ON tries (correlation_id);
CREATE INDEX ix_tries_at ON tries (at);
CREATE INDEX ix_tries_kind_outcome_at ON tries (kind, outcome, at);
CREATE INDEX ix_try_recipients_digest ON try_recipients (digest);
CREATE INDEX ix_try_recipients_at ON try_recipients (at);
CREATE INDEX ix_dead_letter_events_at ON dead_letter_events (at);
CREATE INDEX ix_events_message_id ON events (message_id);
CREATE INDEX ix_events_correlation_id ON events (correlation_id);
CREATE INDEX ix_inbox_finished_at ON inbox (finished_at);
CREATE INDEX ix_history_message_id ON history (message_id);
CREATE INDEX ix_history_at ON history (at);
CREATE INDEX ix_history_untold ON history (holder, id) WHERE NOT is_told;
COMMIT;
