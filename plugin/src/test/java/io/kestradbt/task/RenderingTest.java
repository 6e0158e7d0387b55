package io.kestradbt.task;

import java.time.Instant;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.core.type.TypeReference;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.serializers.JacksonMapper;
import io.kestradbt.core.options.IndirectSelectionOptions.IndirectSelection;
import io.kestradbt.core.options.Profiles;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@KestraTest
class RenderingTest {
    @Inject
    private RunContextFactory runContextFactory;

    @Test
    void shouldTakeUnsetAndBlankForNothing() throws Exception {
        assertThat(rendering().text(null)).isEmpty();
        assertThat(rendering().text(this.<String> yaml("\" \""))).isEmpty();
        assertThat(rendering().list("select", null)).isEmpty();
        assertThat(rendering().list("select", yaml("\"{{ nothing }}\""))).isEmpty();
        assertThat(rendering().map("vars", null)).isEmpty();
        assertThat(rendering().map("vars", yaml("\"{{ nothing }}\""))).isEmpty();
        assertThat(rendering().integer("threads", yaml("\"{{ nothing }}\""), 1)).isEmpty();
        assertThat(rendering().bool("debug", yaml("\"{{ nothing }}\""))).isEmpty();
    }

    @Test
    void shouldReadIdsAndTimes() throws Exception {
        assertThat(rendering().id("runId", yaml("70471831584850"))).contains(70471831584850L);
        assertThat(rendering().id("runId", yaml("\" 7 \""))).contains(7L);
        assertThatThrownBy(() -> rendering().id("runId", yaml("-7"))).hasMessage("`runId` is \"-7\": expected an id, which is a number.");
        assertThat(rendering().time("since", yaml("2026-01-15T11:20:02+01:00"))).contains(Instant.parse("2026-01-15T10:20:02Z"));
        assertThatThrownBy(() -> rendering().time("since", yaml("2026-01-15"))).hasMessageContaining("a time with its zone");
    }

    @Test
    void shouldTakeAListWhateverItsSpelling() throws Exception {
        assertThat(rendering().list("select", yaml("[a, \"{{ name }}\", \"\", 5]"))).containsExactly("a", "shop", "5");
        assertThat(rendering().list("select", yaml("\"{{ names }}\""))).containsExactly("x", "y");
        assertThat(rendering().list("select", yaml("tag:nightly"))).containsExactly("tag:nightly");
        assertThat(rendering().list("select", yaml("\"{{ name }}+\""))).containsExactly("shop+");
    }

    @Test
    void shouldTakeAMapWhateverItsSpelling() throws Exception {
        assertThat(rendering().map("vars", yaml("{limit: 10, name: \"{{ name }}\"}"))).isEqualTo(Map.of("limit", 10, "name", "shop"));
        assertThat(rendering().map("vars", yaml("\"{{ map }}\""))).isEqualTo(Map.of("limit", 10));
    }

    @ParameterizedTest
    @ValueSource(strings = { "abc", "0", "1.5" })
    void shouldNameAWrongNumber(String value) {
        assertThatThrownBy(() -> rendering().integer("threads", yaml("'" + value + "'"), 1))
            .isInstanceOf(IllegalArgumentException.class)
            .hasNoCause()
            .hasMessage("`threads` is \"" + value + "\": expected a whole number of at least 1.");
    }

    @Test
    void shouldNameAWrongConstant() throws Exception {
        assertThat(rendering().constant("indirectSelection", yaml("cautious"), IndirectSelection.class)).contains(IndirectSelection.CAUTIOUS);
        assertThatThrownBy(() -> rendering().constant("indirectSelection", yaml("eagre"), IndirectSelection.class))
            .hasMessage("`indirectSelection` is \"eagre\": expected one of eager, cautious, buildable, empty.");
    }

    @Test
    void shouldNameAWrongTruthValue() throws Exception {
        assertThat(rendering().bool("fullRefresh", yaml("\"True\""))).contains(true);
        assertThatThrownBy(() -> rendering().bool("fullRefresh", yaml("maybe"))).hasMessage("`fullRefresh` is \"maybe\": expected true or false.");
    }

    @Test
    void shouldNameAWrongListOrMap() {
        assertThatThrownBy(() -> rendering().list("select", yaml("{a: b}"))).hasMessage("`select` is \"{\"a\":\"b\"}\": expected a list of texts.");
        assertThatThrownBy(() -> rendering().map("vars", yaml("secret text"))).hasMessage("`vars` is not a map: expected names with their values.");
    }

    @Test
    void shouldLeaveKestrasWordsForAnExpressionThatFails() {
        assertThatThrownBy(() -> rendering().list("select", yaml("\"{{ no_such_variable }}\""))).hasMessageContaining("no_such_variable");
    }

    @Test
    void shouldKeepTypesInProfiles() throws Exception {
        var runContext = runContextFactory.of(Map.of("port", 5432, "password", "0123"));

        assertThat(Profiles.text(runContext, Map.of("port", "{{ port }}"))).isEqualTo("{\"port\":5432}");
        assertThat(Profiles.text(runContext, Map.of("password", "{{ password }}"))).isEqualTo("{\"password\":\"0123\"}");
        assertThat(Profiles.text(runContext, Map.of("list", List.of(1, "{{ port }}", Map.of("a", true)))))
            .isEqualTo("{\"list\":[1,5432,{\"a\":true}]}");
        assertThat(Profiles.text(runContext, "port: {{ port }}")).isEqualTo("port: 5432");
        assertThat(Profiles.text(runContext, " ")).isNull();
        assertThat(Profiles.text(runContext, null)).isNull();
        assertThatThrownBy(() -> Profiles.text(runContext, 5)).hasMessageContaining("`profiles`");
    }

    private Rendering rendering() {
        return new Rendering(
            runContextFactory.of(Map.of("name", "shop", "names", List.of("x", "y"), "nothing", "", "map", Map.of("limit", 10)))
        );
    }

    /** A property as a flow gives it. */
    private <T> Property<T> yaml(String value) throws Exception {
        return JacksonMapper.ofYaml().readValue(value, new TypeReference<>() {});
    }
}
