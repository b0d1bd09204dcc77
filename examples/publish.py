"""Publish a job with pika. Nothing of Postroom is installed or imported.

pip install pika; POSTROOM_AMQP_URL=amqp://… python publish.py
"""

import json
import os
import uuid

import pika

url = os.environ.get("POSTROOM_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F")
mail = {"to": "ada@example.com", "subject": "Hello from Python", "body": "Hi Ada"}

connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()  # basic_publish now returns when the broker has it, or raises
properties = pika.BasicProperties(content_type="application/json", delivery_mode=2, message_id=str(uuid.uuid4()))
channel.basic_publish("jobs", "email.send", json.dumps(mail), properties)

connection.close()
print("published", properties.message_id)
