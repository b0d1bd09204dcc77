// Publish a job from Go.
//
// go get github.com/rabbitmq/amqp091-go; POSTROOM_AMQP_URL=amqp://… go run publish.go
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func main() {
	url := os.Getenv("POSTROOM_AMQP_URL")
	if url == "" {
		url = "amqp://guest:guest@127.0.0.1:5672/%2F"
	}
	random := make([]byte, 16)
	_, err := rand.Read(random)
	check(err)
	id := fmt.Sprintf("%x", random)

	connection, err := amqp.Dial(url)
	check(err)
	defer connection.Close()
	channel, err := connection.Channel()
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	check(channel.Confirm(false))
	mail := []byte(`{"to": "ada@example.com", "subject": "Hello from Go", "body": "Hi Ada"}`)
	message := amqp.Publishing{ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: id, Body: mail}
	confirmation, err := channel.PublishWithDeferredConfirmWithContext(ctx, "jobs", "email.send", false, false, message)
	check(err)
	if !confirmation.Wait() { // also when the time is up
		log.Fatal("the broker did not take it: publish it again with the same id")
	}
	fmt.Println("published", id)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
