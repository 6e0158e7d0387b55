package io.kestradbt.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.kestradbt.bridge.Request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ProjectTest {
    private static final String PROFILES = "{\"warehouse\": {\"target\": \"prod\", \"outputs\": {}}, \"plain\": {\"outputs\": {}}, \"dynamic\": {\"target\": \"{{ env_var('T') }}\"}}";

    @TempDir
    private Path folder;

    @BeforeEach
    void project() throws IOException {
        Files.createDirectories(folder.resolve("shop"));
        Files.writeString(folder.resolve("shop/dbt_project.yml"), "name: shop\nprofile: warehouse\n");
    }

    @Test
    void shouldFindTheTargetAsDbtDoes() throws IOException {
        assertThat(key(Map.of("target", "ci"), Map.of("DBT_TARGET", "other"), PROFILES)).isEqualTo(new StateKey("shop", "ci", "main"));
        assertThat(key(Map.of(), Map.of("DBT_TARGET", "other"), PROFILES).target()).isEqualTo("other");
        assertThat(key(Map.of(), Map.of(), PROFILES).target()).isEqualTo("prod");
        assertThat(key(Map.of("profile", "plain"), Map.of(), PROFILES).target()).isEqualTo("default");
        Files.writeString(folder.resolve("profiles.yml"), "warehouse:\n  target: filed\n");
        assertThat(key(Map.of(), Map.of(), null).target()).isEqualTo("filed");
    }

    @Test
    void shouldAskForATargetThatIsNotKnown() {
        String expected = "`state: auto` is kept by target, and the profile does not tell the target before dbt starts: set `target`.";
        assertThatThrownBy(() -> key(Map.of("profile", "dynamic"), Map.of(), PROFILES)).hasMessage(expected);
        assertThatThrownBy(() -> key(Map.of("profile", "missing"), Map.of(), PROFILES)).hasMessage(expected);
        assertThatThrownBy(() -> key(Map.of(), Map.of(), null)).hasMessage(expected);
    }

    @Test
    void shouldKnowTheBranchOfAClone() throws IOException {
        Files.createDirectories(folder.resolve(".git"));
        Files.writeString(folder.resolve(".git/HEAD"), "ref: refs/heads/feature/x\n");
        assertThat(key(Map.of(), Map.of(), PROFILES).branch()).isEqualTo("feature/x");
        Files.writeString(folder.resolve(".git/HEAD"), "6220ec1f0f\n");
        assertThat(key(Map.of(), Map.of(), PROFILES).branch()).isEqualTo("HEAD");
    }

    @Test
    void shouldSayThatTheProjectIsMissing() {
        assertThatThrownBy(() -> new Project(folder, request(Map.of()), Map.of(), null)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("`state: auto` needs the project before dbt starts, and there is no dbt_project.yml in the working directory");
    }

    @Test
    void shouldNotShowProfilesThatAreNoYaml() {
        assertThatThrownBy(() -> key(Map.of(), Map.of(), "password: {hunter2")).hasMessage("`state: auto` needs to read profiles.yml, which is no valid YAML.")
            .hasNoCause();
    }

    @Test
    void shouldMakeNamesOfAnyCharacters() {
        assertThat(new StateKey("shop", "prod", "main").name()).isEqualTo("dbt-state.shop.prod.main");
        assertThat(new StateKey("shop", "prod", "feature/x").name()).matches("dbt-state\\.shop\\.prod\\.feature-x-[0-9a-f]{8}");
        assertThat(new StateKey("shop", "prod", "feature-x").name()).isNotEqualTo(new StateKey("shop", "prod", "feature/x").name());
        assertThat(new StateKey("x".repeat(300), "ü".repeat(300), "b").name()).hasSizeLessThan(200);
    }

    private StateKey key(Map<String, Object> options, Map<String, String> env, String profiles) throws IOException {
        Map<String, Object> all = new java.util.HashMap<>(options);
        all.put("project_dir", "shop");
        return new Project(folder, request(all), env, profiles).key();
    }

    private static Request.DbtCommand request(Map<String, Object> options) {
        return new Request.DbtCommand(List.of("build"), options, List.of(), null, List.of(), false, false, null, null, List.of(), null, false, null);
    }
}
