package io.kestradbt;

import java.io.IOException;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.kestra.core.docs.JsonSchemaGenerator;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.triggers.AbstractTrigger;
import io.kestra.core.models.validations.ModelValidator;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.serializers.YamlParser;
import io.kestradbt.core.Build;
import io.kestradbt.core.DbtCLI;
import io.kestradbt.graph.Dag;
import io.kestradbt.platform.TriggerRun;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;

/** What Kestra's pages show of each task: examples that are flows, and a word on every property and output. */
@KestraTest
public class DocumentationTest {
    @Inject
    private ModelValidator validator;

    @Inject
    private JsonSchemaGenerator schemas;

    public static List<Class<? extends Task>> tasks() {
        return ServiceLoader.load(io.kestra.core.models.Plugin.class).stream()
            .filter(plugin -> plugin.type().getName().startsWith("io.kestradbt."))
            .filter(plugin -> Task.class.isAssignableFrom(plugin.type()))
            .<Class<? extends Task>> map(plugin -> plugin.type().asSubclass(Task.class))
            .toList();
    }

    static List<Class<? extends AbstractTrigger>> triggers() {
        return ServiceLoader.load(io.kestra.core.models.Plugin.class).stream()
            .filter(plugin -> plugin.type().getName().startsWith("io.kestradbt.platform."))
            .filter(plugin -> AbstractTrigger.class.isAssignableFrom(plugin.type()))
            .filter(plugin -> plugin.type().getDeclaredAnnotation(Plugin.class) != null) // those of tests have none of their own
            .<Class<? extends AbstractTrigger>> map(plugin -> plugin.type().asSubclass(AbstractTrigger.class))
            .toList();
    }

    static Stream<Example> examples() {
        return Stream.concat(tasks().stream(), triggers().stream()).flatMap(task -> Arrays.stream(task.getAnnotation(Plugin.class).examples()));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void shouldHaveExamplesThatAreValidFlows(Example example) {
        assertThat(example.full()).isTrue();
        assertThat(example.title()).isNotBlank();
        Flow flow = YamlParser.parse(String.join("\n", example.code()), Flow.class);

        assertThat(validator.isValid(flow)).isEmpty();
        Stream<String> types = Stream.concat(
            flow.allTasksWithChilds().stream().map(Task::getType),
            flow.getTriggers() == null ? Stream.of() : flow.getTriggers().stream().map(AbstractTrigger::getType)
        );
        assertThat(types).anySatisfy(type -> assertThat(type).startsWith("io.kestradbt."));
    }

    @Test
    void shouldFindTheTasks() {
        assertThat(tasks()).contains(Build.class, DbtCLI.class, TriggerRun.class);
    }

    @Test
    void shouldHaveAnIconAndAWordOnEveryPackage() throws IOException {
        for (String name : tasks().stream().map(Class::getPackageName).distinct().toList()) {
            assertThat(DocumentationTest.class.getResource("/icons/" + name + ".svg")).as(name).isNotNull();
            try (var metadata = DocumentationTest.class.getResourceAsStream("/metadata/" + name.substring(name.lastIndexOf('.') + 1) + ".yaml")) {
                assertThat(metadata).as(name).isNotNull();
                assertThat(JacksonMapper.ofYaml().readTree(metadata).path("group").asText()).isEqualTo(name);
            }
        }
    }

    @Test
    void shouldHaveExamplesWithIdsOfTheirOwn() {
        assertThat(examples().map(example -> YamlParser.parse(String.join("\n", example.code()), Flow.class).getId())).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("tasks")
    @SuppressWarnings("unchecked")
    void shouldExplainEveryPropertyAndItsGroup(Class<? extends Task> task) {
        Map<String, Map<String, Object>> properties = (Map<String, Map<String, Object>>) schemas.properties(Task.class, task).get("properties");

        assertThat(task.getAnnotation(Schema.class).title()).isNotBlank();
        // These are Kestra's own, and so are their words.
        List<String> kestras = new ArrayList<>(List.of("namespaceFiles", "inputFiles", "type", "id", "pluginDefaultsRef"));
        if (task == Dag.class) {
            kestras.addAll(List.of("concurrent", "tasks", "errors", "finally", "onChildFailure"));
        }
        assertThat(properties).allSatisfy((name, property) -> {
            if (!kestras.contains(name)) {
                assertThat(property).as(name).containsKeys("title", "description");
                // Of a property that is text or something else, the group is on each alternative.
                assertThat(property.toString()).as(name).contains("$group");
            }
        });
    }

    @ParameterizedTest
    @MethodSource("triggers")
    @SuppressWarnings("unchecked")
    void shouldExplainEveryPropertyOfATrigger(Class<? extends AbstractTrigger> trigger) {
        Map<String, Map<String, Object>> properties = (Map<String, Map<String, Object>>) schemas.properties(AbstractTrigger.class, trigger).get("properties");
        List<String> ours = Arrays.stream(trigger.getDeclaredFields()).map(Field::getName).filter(properties::containsKey).toList();

        assertThat(trigger.getAnnotation(Schema.class).title()).isNotBlank();
        assertThat(ours).isNotEmpty().allSatisfy(name -> {
            assertThat(properties.get(name)).as(name).containsKeys("title", "description");
            assertThat(properties.get(name).toString()).as(name).contains("$group");
        });
    }

    @Test
    void shouldFindTheTriggers() {
        assertThat(triggers()).extracting(Class::getSimpleName).containsExactlyInAnyOrder("JobRunFinished", "Webhook");
    }

    static List<Class<? extends Task>> tasksWithOutputs() {
        return tasks().stream().filter(task -> task != Dag.class).toList();
    }

    @ParameterizedTest
    @MethodSource("tasksWithOutputs")
    @SuppressWarnings("unchecked")
    void shouldExplainEveryOutput(Class<? extends Task> task) {
        Map<String, Map<String, Object>> outputs = (Map<String, Map<String, Object>>) schemas.outputs(null, task).get("properties");

        assertThat(outputs).containsKeys("artifacts", "nodes", "rows", "count", "summary", "failed", "outputFiles");
        assertThat(outputs).allSatisfy((name, output) -> assertThat(output).as(name).containsKeys("title", "description"));
    }
}
