package io.kestradbt.bridge;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;

import static org.assertj.core.api.Assertions.assertThat;

class EventConsumerTest {
    private static final String EVENT = "::kestra-dbt::{\"version\":\"1.0\",\"kind\":\"metric\",\"type\":\"counter\",\"name\":\"rows\",\"value\":1.0}";

    private final List<Event> events = new ArrayList<>();
    private final PlainLines plain = new PlainLines();
    private final EventConsumer consumer = new EventConsumer(events::add, plain);

    @Test
    void shouldPartEventsFromPlainLines() {
        consumer.accept(EVENT, false);
        consumer.accept("plain", true);
        consumer.accept("  ", false);
        consumer.accept("", true);

        assertThat(events).hasSize(1);
        assertThat(plain.lines).containsExactly("plain");
    }

    @Test
    void shouldKeepTheFirstProblemAndReadOn() {
        consumer.accept("::kestra-dbt::{broken", false);
        consumer.accept("::kestra-dbt::{\"version\":\"2.0\",\"kind\":\"ended\"}", false);
        consumer.accept(EVENT, false);

        assertThat(consumer.problem()).map(Exception::getMessage).get().asString().contains("could not be read");
        assertThat(events).hasSize(1);
    }

    @Test
    void shouldTakeLinesFromTwoThreads() throws InterruptedException {
        List<Thread> threads = IntStream.range(0, 2)
            .mapToObj(i -> Thread.startVirtualThread(() -> IntStream.range(0, 5_000).forEach(n -> consumer.accept(n % 2 == 0 ? EVENT : "plain", false))))
            .toList();
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(events).hasSize(5_000);
        assertThat(plain.lines).hasSize(5_000);
    }

    @Test
    void shouldTakeNoEventFromStandardError() {
        consumer.accept(EVENT, true);

        assertThat(events).isEmpty();
        assertThat(plain.lines).containsExactly(EVENT);
    }

    @Test
    void shouldLetNoEventInOnceClosed() {
        consumer.close();
        consumer.accept(EVENT, false);
        consumer.accept("plain", false);

        assertThat(events).isEmpty();
        assertThat(plain.lines).containsExactly("plain");
    }

    @Test
    void shouldNotTellThatAKillCutsTheOutputOff() {
        consumer.accept("Stream closed", true);
        consumer.expectKill();
        consumer.accept("last words", true);
        consumer.accept("Stream closed", true);

        assertThat(plain.lines).containsExactly("Stream closed", "last words");
    }

    private static final class PlainLines extends AbstractLogConsumer {
        private final List<String> lines = new ArrayList<>();

        @Override
        public void accept(String line, Boolean isStdErr) {
            lines.add(line);
        }

        @Override
        public void accept(String line, Boolean isStdErr, Instant instant) {
            lines.add(line);
        }
    }
}
