// Publish a job from Node.
//
// npm install amqplib; POSTROOM_AMQP_URL=amqp://… node publish.js
const amqp = require('amqplib');
const { randomUUID } = require('node:crypto');

async function main() {
  const url = process.env.POSTROOM_AMQP_URL || 'amqp://guest:guest@127.0.0.1:5672/%2F';
  const mail = { to: 'ada@example.com', subject: 'Hello from Node', body: 'Hi Ada' };
  const options = { contentType: 'application/json', persistent: true, messageId: randomUUID() };

  const connection = await amqp.connect(url);
  const channel = await connection.createConfirmChannel();
  channel.publish('jobs', 'email.send', Buffer.from(JSON.stringify(mail)), options);
  await channel.waitForConfirms(); // rejects when the broker did not take it

  await connection.close();
  console.log('published', options.messageId);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
