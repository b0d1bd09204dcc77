// Publish a job from Java.
//
// With com.rabbitmq:amqp-client and slf4j-api as JARs in lib/:
// POSTROOM_AMQP_URL=amqp://… java -cp 'lib/*' Publish.java
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

public class Publish {
    public static void main(String[] arguments) throws Exception {
        String url = System.getenv().getOrDefault("POSTROOM_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F");
        String mail = "{\"to\": \"ada@example.com\", \"subject\": \"Hello from Java\", \"body\": \"Hi Ada\"}";
        String id = UUID.randomUUID().toString();

        var factory = new ConnectionFactory();
        factory.setUri(url);
        try (var connection = factory.newConnection(); var channel = connection.createChannel()) {
            channel.confirmSelect();
            var properties = new AMQP.BasicProperties.Builder()
                .contentType("application/json").deliveryMode(2).messageId(id).build();
            channel.basicPublish("jobs", "email.send", properties, mail.getBytes(StandardCharsets.UTF_8));
            channel.waitForConfirmsOrDie(30_000); // milliseconds
        }
        System.out.println("published " + id);
    }
}
