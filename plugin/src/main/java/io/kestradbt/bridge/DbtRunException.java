package io.kestradbt.bridge;

import java.io.Serial;

import io.kestra.core.models.tasks.Output;
import io.kestra.core.models.tasks.RunnableTaskException;

/**
 * A run that failed, with the outputs that it had all the same.
 * <p>
 * Kestra logs the message as an error, the messages of causes as another one, and the stack trace at a low level. What dbt reports is no
 * place in our code: no cause and no stack trace, so that one sentence and its detail are all that people read.
 */
public final class DbtRunException extends RunnableTaskException {
    @Serial
    private static final long serialVersionUID = 1L;

    public DbtRunException(String message, Output output) {
        super(message, output);
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
