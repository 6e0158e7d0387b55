package io.kestradbt.core;

import java.io.IOException;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.serializers.JacksonMapper;
import io.kestradbt.DocumentationTest;
import io.kestradbt.bridge.Protocol;
import io.kestradbt.bridge.Samples;
import io.kestradbt.core.dropin.WithoutMeaning;
import io.kestradbt.core.options.RetryNodes;
import io.kestradbt.task.Rendering;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * What each task of one dbt command sends when all its properties are set. The runner's tests read the same samples, and have dbt's own
 * command line read the arguments that come of them.
 */
@KestraTest
class CommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Inject
    private RunContextFactory runContextFactory;

    static List<Class<? extends AbstractDbtCommand>> commands() {
        return DocumentationTest.tasks().stream()
            .filter(AbstractDbtCommand.class::isAssignableFrom)
            .<Class<? extends AbstractDbtCommand>> map(task -> task.asSubclass(AbstractDbtCommand.class))
            .toList();
    }

    @Test
    void shouldHaveASampleForEachTask() throws IOException {
        assertThat(samples().fieldNames()).toIterable().containsExactlyInAnyOrderElementsOf(commands().stream().map(Class::getSimpleName).toList());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void shouldSetEveryPropertyInTheSample(Class<? extends AbstractDbtCommand> type) throws IOException {
        Stream<String> properties = Stream.of(type, AbstractDbtCommand.class)
            .flatMap(owner -> Arrays.stream(owner.getDeclaredFields()))
            .filter(field -> field.getType().equals(Property.class) || field.getType().equals(RetryNodes.class))
            .filter(field -> !withoutMeaning(type, field))
            .map(Field::getName);

        assertThat(sample(type).path("properties").fieldNames()).toIterable()
            .containsExactlyInAnyOrderElementsOf(Stream.concat(properties, Stream.of("warnings")).toList());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void shouldSendWhatTheRunnerReads(Class<? extends AbstractDbtCommand> type) throws Exception {
        JsonNode sample = sample(type);
        AbstractDbtCommand task = JacksonMapper.ofJson().treeToValue(sample.path("properties"), type);
        RunContext runContext = runContextFactory.of(Map.of());
        Rendering rendering = new Rendering(runContext);

        assertThat(JSON.readTree(Protocol.encode(task.request(rendering)))).isEqualTo(sample.path("request"));
        assertThat(JSON.readTree(Protocol.encode(task.secrets(runContext, rendering, null)))).isEqualTo(sample.path("secrets"));
    }

    @Test
    void shouldNotPrintTheArgumentsOfAMacro() {
        RunOperation task = RunOperation.builder().macroArgs(Property.ofValue(Map.of("token", "hunter2"))).build();

        assertThat(task.toString()).doesNotContain("hunter2");
    }

    @Test
    void shouldAskForAMacro() {
        RunOperation task = RunOperation.builder().macro(Property.ofExpression("{{ '' }}")).build();

        assertThatThrownBy(() -> task.request(new Rendering(runContextFactory.of(Map.of())))).hasMessage("`macro` is empty: name the macro to run.");
    }

    /** Such a property is never sent; {@link DropInTest} has them. */
    private static boolean withoutMeaning(Class<?> type, Field field) {
        return Arrays.stream(type.getInterfaces())
            .filter(group -> WithoutMeaning.class.equals(group.getDeclaringClass()))
            .flatMap(group -> Arrays.stream(group.getDeclaredMethods()))
            .anyMatch(getter -> getter.getName().equalsIgnoreCase("get" + field.getName()));
    }

    private static JsonNode samples() throws IOException {
        return JSON.readTree(Samples.text("commands.json"));
    }

    private static JsonNode sample(Class<?> type) throws IOException {
        return samples().path(type.getSimpleName());
    }
}
