package io.kestradbt.core;

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.core.options.Engine;
import io.kestradbt.task.FakeRunner;
import jakarta.inject.Inject;

import static io.kestradbt.task.FakeRunner.ENDED;
import static org.assertj.core.api.Assertions.assertThat;

@KestraTest
@Timeout(60)
class DbtCLITest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Inject
    private RunContextFactory runContextFactory;

    @TempDir
    private Path folder;

    @Test
    void shouldLeaveTheScriptAsItIsWritten() throws Exception {
        String command = "cd shop && dbt run --select \"a b\" | tee 'log $1' # {{ inputs.name }}";
        DbtCLI task = task().commands(Property.ofExpression(JSON.writeValueAsString(List.of("dbt deps", command)))).build();
        RunContext runContext = TestsUtils.mockRunContext(runContextFactory, task, Map.of("name", "nightly"));

        JsonNode script = secrets(runContext, task.run(runContext)).path("script");

        assertThat(script.asText()).isEqualTo("set -e\ndbt deps\n" + command.replace("{{ inputs.name }}", "nightly") + "\n");
    }

    @Test
    void shouldGoOnAfterAFailureIfToldTo() throws Exception {
        DbtCLI task = task().commands(Property.ofValue(List.of("dbt build"))).failFast(Property.ofValue(false)).build();
        RunContext runContext = runContext(task);

        assertThat(secrets(runContext, task.run(runContext)).path("script").asText()).isEqualTo("dbt build\n");
    }

    @Test
    void shouldPassWhatAScriptNeeds() throws Exception {
        DbtCLI task = task().commands(Property.ofValue(List.of("dbt build")))
            .interpreter(Property.ofValue(List.of("/bin/bash", "-c")))
            .projectDir(Property.ofValue("shop"))
            .engine(Property.ofValue(Engine.CORE))
            .profiles("shop: {}")
            .build();
        RunContext runContext = runContext(task);

        DbtOutput output = task.run(runContext);

        assertThat(JSON.readTree(content(runContext, output.getOutputFiles().get("request.json")))).isEqualTo(
            JSON.readTree("{\"kind\": \"shell_script\", \"version\": \"1.0\", \"interpreter\": [\"/bin/bash\", \"-c\"], \"project_dir\": \"shop\", \"engine\": \"CORE\"}")
        );
        assertThat(secrets(runContext, output).path("profiles").asText()).isEqualTo("shop: {}");
    }

    @Test
    void shouldOfferTheVariablesOfScriptTasks() throws Exception {
        DbtCLI task = task()
            .commands(Property.ofExpression("[\"ls {{ workingDir }}\", \"ls {{ outputDir }}\", \"dbt ls > {{ outputFiles['models.txt'] }}\"]"))
            .outputFiles(Property.ofValue(List.of("models.txt", "*.csv")))
            .build();
        RunContext runContext = runContext(task);

        String script = secrets(runContext, task.run(runContext)).path("script").asText();

        String workingDir = runContext.workingDir().path().toString();
        assertThat(script.lines()).element(1).isEqualTo("ls " + workingDir);
        assertThat(script.lines()).element(2).asString().startsWith("ls " + workingDir + "/");
        assertThat(script.lines()).element(3).isEqualTo("dbt ls > " + workingDir + "/models.txt");
    }

    @Test
    void shouldMakeLocalFilesOfStorageUris() throws Exception {
        DbtCLI placeholder = task().commands(Property.ofValue(List.of())).build();
        RunContext runContext = runContext(placeholder);
        URI uri = runContext.storage().putFile(new ByteArrayInputStream("order_id\n1\n".getBytes(StandardCharsets.UTF_8)), "orders.csv");
        DbtCLI task = task().commands(Property.ofValue(List.of("cp " + uri + " seeds/orders.csv"))).build();

        String script = secrets(runContext, task.run(runContext)).path("script").asText();

        String file = script.lines().toList().get(1).split(" ")[1];
        assertThat(file).startsWith(runContext.workingDir().path().toString());
        assertThat(Path.of(file)).hasContent("order_id\n1\n");
    }

    private DbtCLI.DbtCLIBuilder<?, ?> task() throws Exception {
        return DbtCLI.builder().id("dbt").type(DbtCLI.class.getName()).pythonPath(FakeRunner.of(folder, """
            cp "$3" "$OUTPUT_DIR/request.json"; printf %s "$KESTRA_DBT_SECRETS" | base64 -d > "$OUTPUT_DIR/secrets.json"
            """ + ENDED));
    }

    private RunContext runContext(DbtCLI task) {
        return TestsUtils.mockRunContext(runContextFactory, task, Map.of());
    }

    private static JsonNode secrets(RunContext runContext, DbtOutput output) throws Exception {
        return JSON.readTree(content(runContext, output.getOutputFiles().get("secrets.json")));
    }

    private static String content(RunContext runContext, URI uri) throws Exception {
        try (var file = runContext.storage().getFile(uri)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
