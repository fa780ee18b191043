//! What `system.methodHelp` says of each method.

/// A sentence on a method; empty for one that is not there.
pub fn text(method: &str) -> &'static str {
    match method.rsplit_once('.').map_or(method, |(_, name)| name) {
        "addProcessGroup" => "Takes a group of the configuration that was read last into use.",
        "clearAllProcessLogs" => "Empties the logs of all processes.",
        "clearLog" => "Empties the daemon's log.",
        "clearProcessLog" | "clearProcessLogs" => "Empties the logs of a process.",
        "getAPIVersion" | "getVersion" => "The version of this interface.",
        "getAllConfigInfo" => "The configuration of all processes, one struct for each.",
        "getAllProcessInfo" => "The state of all processes, one struct for each.",
        "getIdentification" => "The daemon's identifier.",
        "getPID" => "The daemon's process id.",
        "getProcessInfo" => "The state of a process.",
        "getState" => "The state of the daemon: statecode and statename.",
        "getSupervisorVersion" => "The version of supervisor that the daemon follows.",
        "readLog" | "readMainLog" => {
            "A part of the daemon's log: offset and length in bytes. With a negative offset and length 0 the last bytes."
        }
        "readProcessLog" | "readProcessStdoutLog" => {
            "A part of a process's standard output: name, offset and length in bytes."
        }
        "readProcessStderrLog" => {
            "A part of a process's standard error: name, offset and length in bytes."
        }
        "reloadConfig" => {
            "Reads the configuration again and tells which groups were added, changed and removed; nothing is put into use."
        }
        "removeProcessGroup" => "Takes a stopped group out of use.",
        "restart" => "Stops all processes, reads the configuration and starts anew.",
        "sendProcessStdin" => "Writes characters to a process's standard input.",
        "sendRemoteCommEvent" => "Sends event listeners a REMOTE_COMMUNICATION event: type, data.",
        "shutdown" => "Stops all processes and ends the daemon.",
        "signalAllProcesses" => "Sends a signal to all running processes.",
        "signalProcess" => "Sends a signal, by name or number, to a process.",
        "signalProcessGroup" => "Sends a signal to the running processes of a group.",
        "startAllProcesses" => "Starts all processes; waits until they run, unless told not to.",
        "startProcess" => "Starts a process; waits until it runs, unless told not to.",
        "startProcessGroup" => "Starts a group; waits until it runs, unless told not to.",
        "stopAllProcesses" => "Stops all processes; waits for their end, unless told not to.",
        "stopProcess" => "Stops a process; waits for its end, unless told not to.",
        "stopProcessGroup" => "Stops a group; waits for its end, unless told not to.",
        "tailProcessLog" | "tailProcessStdoutLog" => {
            "The end of a process's standard output, its length, and whether bytes were skipped: name, offset, length."
        }
        "tailProcessStderrLog" => {
            "The end of a process's standard error, its length, and whether bytes were skipped: name, offset, length."
        }
        "listMethods" => "The names of all methods.",
        "methodHelp" => "What a method does.",
        "methodSignature" => "The types of a method's result and parameters, the result first.",
        "multicall" => "Several calls at once: an array of structs with methodName and params.",
        _ => "",
    }
}
