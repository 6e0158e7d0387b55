package io.kestradbt.platform;

import java.util.Map;
import java.util.Optional;

import io.kestra.core.runners.RunContext;

/** Where people find an execution in Kestra. */
final class ExecutionPage {
    private ExecutionPage() {
    }

    /** The address of the execution's page; empty if the server does not know its own (`kestra.url`). */
    static Optional<String> of(RunContext runContext) {
        String url = variable(runContext, "kestra", "url").replaceAll("/+$", "");
        if (url.isEmpty()) {
            return Optional.empty();
        }
        RunContext.FlowInfo flow = runContext.flowInfo();
        String tenant = flow.tenantId() == null ? "" : flow.tenantId() + "/";
        // Kestra 1.3 does not say the execution in the context's taskRunInfo.
        return Optional.of("%s/ui/%sexecutions/%s/%s/%s".formatted(url, tenant, flow.namespace(), flow.id(), variable(runContext, "execution", "id")));
    }

    private static String variable(RunContext runContext, String map, String name) {
        return runContext.getVariables().get(map) instanceof Map<?, ?> values && values.get(name) instanceof String text ? text.strip() : "";
    }
}
