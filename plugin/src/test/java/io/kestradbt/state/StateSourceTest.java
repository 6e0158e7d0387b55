package io.kestradbt.state;

import java.net.URI;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class StateSourceTest {
    @Test
    void shouldTellTheSpellingsApart() {
        assertThat(parse("auto")).isEqualTo(new StateSource.Auto(Optional.empty(), Optional.empty()));
        assertThat(parse(" auto:prod ")).isEqualTo(new StateSource.Auto(Optional.of("prod"), Optional.empty()));
        assertThat(parse("auto:prod@release/2.x")).isEqualTo(new StateSource.Auto(Optional.of("prod"), Optional.of("release/2.x")));
        assertThat(parse("kestra:///a/manifest.json")).isEqualTo(new StateSource.Stored(URI.create("kestra:///a/manifest.json")));
        assertThat(parse("nsfile:///state/manifest.json")).isEqualTo(new StateSource.NamespaceFile(Optional.empty(), "/state/manifest.json"));
        assertThat(parse("nsfile://company.data/state")).isEqualTo(new StateSource.NamespaceFile(Optional.of("company.data"), "/state"));
        assertThat(parse("kv://PROD")).isEqualTo(new StateSource.Key("PROD"));
        assertThat(parse("automatic/state")).isEqualTo(new StateSource.Folder("automatic/state"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "auto:", "auto:@main", "auto:prod@", "auto:prod main" })
    void shouldRefuseATargetThatIsNone(String text) {
        assertThatThrownBy(() -> parse(text)).isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith("`deferState` is \"" + text.strip() + "\"");
    }

    private static StateSource parse(String text) {
        return StateSource.parse("deferState", text);
    }
}
