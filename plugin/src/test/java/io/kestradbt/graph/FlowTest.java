package io.kestradbt.graph;

import java.util.Map;

import org.junit.jupiter.api.Test;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestradbt.bridge.GraphRequest;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.task.Rendering;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;

/** What lets the task into a Kestra server, and what is rendered for the flow that it writes. */
@KestraTest
class FlowTest {
    @Inject
    private RunContextFactory runContextFactory;

    @Test
    void shouldSendNothingThatLetsInIfNothingIsDeployed() throws Exception {
        assertThat(login(Flow.builder().apiToken(Property.ofValue("a-token")).build())).isNull();
    }

    @Test
    void shouldSendWhatLetsIn() throws Exception {
        Flow task = Flow.builder()
            .deployTo(Property.ofValue("https://kestra.example.com")).username(Property.ofValue("me")).password(Property.ofValue("hunter2"))
            .build();

        assertThat(login(task)).isEqualTo(new Secrets.Login(null, "me", "hunter2"));
    }

    @Test
    void shouldLeaveTheSettingsToTheFlowThatIsWritten() throws Exception {
        Map<String, Object> settings = Map.of("node", Map.of("profiles", "{{ render(vars.profiles) }}"));
        GraphRequest.Flow request = (GraphRequest.Flow) Flow.builder().settings(settings).build().request(new Rendering(runContext()));

        assertThat(request.flow()).containsEntry("settings", settings).containsEntry("namespace", "company.team");
        assertThat(request.tenant()).isEqualTo("sales");
    }

    @Test
    void shouldNotPrintWhatLetsIn() {
        Property<String> secret = Property.ofValue("hunter2");

        assertThat(Flow.builder().apiToken(secret).password(secret).build().toString()).doesNotContain("hunter2");
    }

    private Secrets.Login login(Flow task) throws Exception {
        RunContext runContext = runContext();
        return task.secrets(runContext, new Rendering(runContext), null).kestra();
    }

    private RunContext runContext() {
        return runContextFactory.of(Map.of("flow", Map.of("id", "deploy", "namespace", "company.team", "tenantId", "sales")));
    }
}
