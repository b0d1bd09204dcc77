<?php
// Publish a job from PHP.
//
// composer require php-amqplib/php-amqplib; POSTROOM_AMQP_URL=amqp://… php publish.php
require getenv('PHP_AUTOLOAD') ?: __DIR__ . '/vendor/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;

$url = parse_url(getenv('POSTROOM_AMQP_URL') ?: 'amqp://guest:guest@127.0.0.1:5672/%2F');
$vhost = urldecode(substr($url['path'] ?? '', 1)) ?: '/';
$mail = ['to' => 'ada@example.com', 'subject' => 'Hello from PHP', 'body' => 'Hi Ada'];
$id = bin2hex(random_bytes(16));

$connection = new AMQPStreamConnection($url['host'], $url['port'] ?? 5672, $url['user'], $url['pass'], $vhost);
$channel = $connection->channel();
$channel->confirm_select();
$properties = ['content_type' => 'application/json', 'delivery_mode' => 2, 'message_id' => $id];
$channel->basic_publish(new AMQPMessage(json_encode($mail), $properties), 'jobs', 'email.send');
$channel->wait_for_pending_acks(30); // seconds; throws when no confirm comes

$connection->close();
echo "published $id\n";
