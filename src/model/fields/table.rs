//! The table. One line a field, in the order of the API reference.
//!
//! `or` is what ECS takes when the field is left out, as JSON: the defaults that
//! the API reference states without a condition, and `{}` and `0` where it says
//! that they mean the same as nothing. `required` is what the API requires, and
//! beside it what ECS refuses a task definition without (the names of containers
//! and volumes, and images). `by` is what tells elements apart, `short` what a
//! plain value stands for; see `key.rs`.

use super::Effect::{InPlace, NewDeployment, NotStated};
use super::Kind::{Any, Boolean, Choice, Integer, List, Map, Number, Object, Text, Units};
use super::ListKind::{Keyed, Sequence, Set};
use super::Seen::{Deployment, ServiceRevision};
use super::key::{PORT, by};
use super::{Shape, Unit, field, shape};

/// The request of RegisterTaskDefinition.
pub static TASK_DEFINITION: Shape = shape("RegisterTaskDefinition", &[
    field("family", Text).required(),
    // Old consoles send an empty text for no role, and ECS keeps it.
    field("taskRoleArn", Text).or(r#""""#),
    field("executionRoleArn", Text).or(r#""""#),
    field("networkMode", Choice(&["bridge", "host", "awsvpc", "none"])).or(r#""bridge""#),
    field("containerDefinitions", List(&Object(&CONTAINER), Keyed(by(&["name"])))).required(),
    field("volumes", List(&Object(&VOLUME), Keyed(by(&["name"])))),
    field("placementConstraints", List(&Object(&TASK_PLACEMENT_CONSTRAINT), Set)),
    field("requiresCompatibilities", List(&Choice(&["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]), Set)),
    field("cpu", Units(Unit::Cpu)),
    field("memory", Units(Unit::Memory)),
    field("tags", List(&Object(&TAG), Keyed(by(&["key"]).short("value")))),
    field("pidMode", Choice(&["host", "task"])),
    field("ipcMode", Choice(&["host", "task", "none"])),
    field("proxyConfiguration", Object(&PROXY)),
    field("inferenceAccelerators", List(&Object(&INFERENCE_ACCELERATOR), Keyed(by(&["deviceName"]).short("deviceType")))),
    field("ephemeralStorage", Object(&EPHEMERAL_STORAGE)),
    field("runtimePlatform", Object(&RUNTIME_PLATFORM)),
    field("enableFaultInjection", Boolean).or("false"),
    field("trustedExecutionConfiguration", Object(&TRUSTED_EXECUTION)),
]);

/// A container, in a task definition.
pub static CONTAINER: Shape = shape("ContainerDefinition", &[
    field("name", Text).required(),
    field("image", Text).required(),
    field("repositoryCredentials", Object(&REPOSITORY_CREDENTIALS)),
    field("cpu", Integer).or("0"),
    field("memory", Integer),
    field("memoryReservation", Integer),
    field("links", List(&Text, Set)),
    field("portMappings", List(&Object(&PORT_MAPPING), Keyed(PORT))),
    field("essential", Boolean).or("true"),
    field("restartPolicy", Object(&RESTART_POLICY)),
    field("entryPoint", List(&Text, Sequence)),
    field("command", List(&Text, Sequence)),
    field("environment", List(&Object(&KEY_VALUE), Keyed(by(&["name"]).short("value")))),
    // Read from the top down: the first file that has a variable wins.
    field("environmentFiles", List(&Object(&ENVIRONMENT_FILE), Sequence)),
    field("mountPoints", List(&Object(&MOUNT_POINT), Keyed(by(&["containerPath"]).short("sourceVolume")))),
    field("volumesFrom", List(&Object(&VOLUME_FROM), Keyed(by(&["sourceContainer"])))),
    field("linuxParameters", Object(&LINUX_PARAMETERS)),
    field("secrets", List(&Object(&SECRET), Keyed(by(&["name"]).short("valueFrom")))),
    field("dependsOn", List(&Object(&CONTAINER_DEPENDENCY), Keyed(by(&["containerName"]).short("condition")))),
    field("startTimeout", Integer),
    field("stopTimeout", Integer),
    field("versionConsistency", Choice(&["enabled", "disabled"])).or(r#""enabled""#),
    field("hostname", Text),
    field("user", Text),
    field("workingDirectory", Text),
    field("disableNetworking", Boolean),
    field("privileged", Boolean),
    field("readonlyRootFilesystem", Boolean).or("false"),
    field("dnsServers", List(&Text, Sequence)),
    field("dnsSearchDomains", List(&Text, Sequence)),
    field("extraHosts", List(&Object(&HOST_ENTRY), Keyed(by(&["hostname"]).short("ipAddress")))),
    field("dockerSecurityOptions", List(&Text, Set)),
    field("interactive", Boolean),
    field("pseudoTerminal", Boolean),
    field("dockerLabels", Map),
    field("ulimits", List(&Object(&ULIMIT), Keyed(by(&["name"])))),
    field("logConfiguration", Object(&LOG_CONFIGURATION)),
    field("healthCheck", Object(&HEALTH_CHECK)),
    field("systemControls", List(&Object(&SYSTEM_CONTROL), Keyed(by(&["namespace"]).short("value")))),
    field("resourceRequirements", List(&Object(&RESOURCE_REQUIREMENT), Keyed(by(&["type"]).short("value")))),
    field("firelensConfiguration", Object(&FIRELENS)),
    field("credentialSpecs", List(&Text, Sequence)),
]);

static REPOSITORY_CREDENTIALS: Shape = shape("RepositoryCredentials", &[
    field("credentialsParameter", Text).required(),
]);

static PORT_MAPPING: Shape = shape("PortMapping", &[
    field("containerPort", Integer),
    // With awsvpc it is the containerPort: see `canonical.rs`.
    field("hostPort", Integer).or("0"),
    field("protocol", Choice(&["tcp", "udp"])).or(r#""tcp""#),
    field("name", Text),
    field("appProtocol", Choice(&["http", "http2", "grpc"])),
    field("containerPortRange", Text),
]);

static RESTART_POLICY: Shape = shape("ContainerRestartPolicy", &[
    field("enabled", Boolean).required(),
    field("ignoredExitCodes", List(&Integer, Set)),
    field("restartAttemptPeriod", Integer).or("300"),
]);

static KEY_VALUE: Shape = shape("KeyValuePair", &[
    field("name", Text),
    field("value", Text),
]);

static ENVIRONMENT_FILE: Shape = shape("EnvironmentFile", &[
    field("value", Text).required(),
    field("type", Choice(&["s3"])).required(),
]);

static MOUNT_POINT: Shape = shape("MountPoint", &[
    field("sourceVolume", Text),
    field("containerPath", Text),
    field("readOnly", Boolean).or("false"),
]);

static VOLUME_FROM: Shape = shape("VolumeFrom", &[
    field("sourceContainer", Text),
    field("readOnly", Boolean).or("false"),
]);

static LINUX_PARAMETERS: Shape = shape("LinuxParameters", &[
    field("capabilities", Object(&KERNEL_CAPABILITIES)),
    field("devices", List(&Object(&DEVICE), Keyed(by(&["hostPath"])))),
    field("initProcessEnabled", Boolean),
    field("sharedMemorySize", Integer),
    field("tmpfs", List(&Object(&TMPFS), Keyed(by(&["containerPath"]).short("size")))),
    field("maxSwap", Integer),
    field("swappiness", Integer),
]);

static KERNEL_CAPABILITIES: Shape = shape("KernelCapabilities", &[
    field("add", List(&Text, Set)),
    field("drop", List(&Text, Set)),
]);

static DEVICE: Shape = shape("Device", &[
    field("hostPath", Text).required(),
    field("containerPath", Text),
    field("permissions", List(&Choice(&["read", "write", "mknod"]), Set)).or(r#"["read","write","mknod"]"#),
]);

static TMPFS: Shape = shape("Tmpfs", &[
    field("containerPath", Text).required(),
    field("size", Integer).required(),
    // As for mount(8), a later option overrules an earlier one.
    field("mountOptions", List(&Text, Sequence)),
]);

static SECRET: Shape = shape("Secret", &[
    field("name", Text).required(),
    field("valueFrom", Text).required(),
]);

static CONTAINER_DEPENDENCY: Shape = shape("ContainerDependency", &[
    field("containerName", Text).required(),
    field("condition", Choice(&["START", "COMPLETE", "SUCCESS", "HEALTHY"])).required(),
]);

static HOST_ENTRY: Shape = shape("HostEntry", &[
    field("hostname", Text).required(),
    field("ipAddress", Text).required(),
]);

static ULIMIT: Shape = shape("Ulimit", &[
    field("name", Choice(&["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"])).required(),
    field("softLimit", Integer).required(),
    field("hardLimit", Integer).required(),
]);

static LOG_CONFIGURATION: Shape = shape("LogConfiguration", &[
    field("logDriver", Choice(&["json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens"])).required(),
    field("options", Map),
    field("secretOptions", List(&Object(&SECRET), Keyed(by(&["name"]).short("valueFrom")))),
]);

static HEALTH_CHECK: Shape = shape("HealthCheck", &[
    field("command", List(&Text, Sequence)).required(),
    field("interval", Integer).or("30"),
    field("timeout", Integer).or("5"),
    field("retries", Integer).or("3"),
    field("startPeriod", Integer),
]);

static SYSTEM_CONTROL: Shape = shape("SystemControl", &[
    field("namespace", Text),
    field("value", Text),
]);

static RESOURCE_REQUIREMENT: Shape = shape("ResourceRequirement", &[
    field("value", Text),
    field("type", Choice(&["GPU", "InferenceAccelerator", "NeuronDevice"])).required(),
    field("sharingStrategy", Object(&SHARING_STRATEGY)),
]);

static SHARING_STRATEGY: Shape = shape("SharingStrategy", &[
    field("nvidiaMps", Object(&NVIDIA_MPS)),
]);

static NVIDIA_MPS: Shape = shape("NvidiaMpsAllocation", &[
    field("memory", Integer).required(),
    field("maxComputePercent", Integer),
]);

static FIRELENS: Shape = shape("FirelensConfiguration", &[
    field("type", Choice(&["fluentd", "fluentbit"])).required(),
    field("options", Map),
]);

static VOLUME: Shape = shape("Volume", &[
    field("name", Text).required(),
    // Empty as absent: the Docker daemon picks a path.
    field("host", Object(&HOST_VOLUME)).or("{}"),
    field("dockerVolumeConfiguration", Object(&DOCKER_VOLUME)),
    field("efsVolumeConfiguration", Object(&EFS_VOLUME)),
    field("s3filesVolumeConfiguration", Object(&S3_FILES_VOLUME)),
    field("fsxWindowsFileServerVolumeConfiguration", Object(&FSX_WINDOWS_VOLUME)),
    field("configuredAtLaunch", Boolean),
]);

static HOST_VOLUME: Shape = shape("HostVolumeProperties", &[
    field("sourcePath", Text),
]);

static DOCKER_VOLUME: Shape = shape("DockerVolumeConfiguration", &[
    field("scope", Choice(&["task", "shared"])),
    field("autoprovision", Boolean),
    field("driver", Text),
    field("driverOpts", Map),
    field("labels", Map),
]);

static EFS_VOLUME: Shape = shape("EFSVolumeConfiguration", &[
    field("fileSystemId", Text).required(),
    field("rootDirectory", Text).or(r#""/""#),
    field("transitEncryption", Choice(&["ENABLED", "DISABLED"])).or(r#""DISABLED""#),
    field("transitEncryptionPort", Integer),
    field("authorizationConfig", Object(&EFS_AUTHORIZATION)),
]);

static EFS_AUTHORIZATION: Shape = shape("EFSAuthorizationConfig", &[
    field("accessPointId", Text),
    field("iam", Choice(&["ENABLED", "DISABLED"])).or(r#""DISABLED""#),
]);

static S3_FILES_VOLUME: Shape = shape("S3FilesVolumeConfiguration", &[
    field("fileSystemArn", Text).required(),
    field("rootDirectory", Text),
    field("transitEncryptionPort", Integer),
    field("accessPointArn", Text),
]);

static FSX_WINDOWS_VOLUME: Shape = shape("FSxWindowsFileServerVolumeConfiguration", &[
    field("fileSystemId", Text).required(),
    field("rootDirectory", Text).required(),
    field("authorizationConfig", Object(&FSX_WINDOWS_AUTHORIZATION)).required(),
]);

static FSX_WINDOWS_AUTHORIZATION: Shape = shape("FSxWindowsFileServerAuthorizationConfig", &[
    field("credentialsParameter", Text).required(),
    field("domain", Text).required(),
]);

static TASK_PLACEMENT_CONSTRAINT: Shape = shape("TaskDefinitionPlacementConstraint", &[
    field("type", Choice(&["memberOf"])),
    field("expression", Text),
]);

static TAG: Shape = shape("Tag", &[
    field("key", Text),
    field("value", Text),
]);

static PROXY: Shape = shape("ProxyConfiguration", &[
    field("type", Choice(&["APPMESH"])),
    field("containerName", Text).required(),
    field("properties", List(&Object(&KEY_VALUE), Keyed(by(&["name"]).short("value")))),
]);

static INFERENCE_ACCELERATOR: Shape = shape("InferenceAccelerator", &[
    field("deviceName", Text).required(),
    field("deviceType", Text).required(),
]);

static EPHEMERAL_STORAGE: Shape = shape("EphemeralStorage", &[
    field("sizeInGiB", Integer).required(),
]);

static RUNTIME_PLATFORM: Shape = shape("RuntimePlatform", &[
    field("cpuArchitecture", Choice(&["X86_64", "ARM64"])),
    field("operatingSystemFamily", Choice(&["WINDOWS_SERVER_2019_FULL", "WINDOWS_SERVER_2019_CORE", "WINDOWS_SERVER_2016_FULL", "WINDOWS_SERVER_2004_CORE", "WINDOWS_SERVER_2022_CORE", "WINDOWS_SERVER_2022_FULL", "WINDOWS_SERVER_2025_CORE", "WINDOWS_SERVER_2025_FULL", "WINDOWS_SERVER_20H2_CORE", "LINUX"])),
]);

static TRUSTED_EXECUTION: Shape = shape("TrustedExecutionConfiguration", &[
    field("isolationMode", Choice(&["SHARED", "ISOLATED_SANDBOX", "CONFIDENTIAL_SANDBOX"])).required(),
    field("attestationPolicy", Text),
]);

/// The request of UpdateService, less what evenkeel itself decides (`cluster`,
/// `service`, `taskDefinition`, `forceNewDeployment`) and the deployment
/// controller, of which it knows one kind; and `tags`.
pub static SERVICE: Shape = shape("UpdateService", &[
    field("desiredCount", Integer).effect(InPlace),
    // The reference says that it triggers none; but ECS takes a change of it
    // only together with forceNewDeployment.
    field("capacityProviderStrategy", List(&Object(&CAPACITY_PROVIDER), Keyed(by(&["capacityProvider"]).short("weight")))).effect(NewDeployment),
    field("deploymentConfiguration", Object(&DEPLOYMENT_CONFIGURATION)).effect(InPlace),
    field("availabilityZoneRebalancing", Choice(&["ENABLED", "DISABLED"])).or(r#""DISABLED""#).effect(InPlace),
    field("networkConfiguration", Object(&NETWORK)).effect(NewDeployment),
    field("placementConstraints", List(&Object(&PLACEMENT_CONSTRAINT), Set)).effect(InPlace),
    field("placementStrategy", List(&Object(&PLACEMENT_STRATEGY), Sequence)).effect(InPlace),
    field("platformVersion", Text).effect(NewDeployment),
    field("healthCheckGracePeriodSeconds", Integer).or("0").effect(InPlace),
    field("enableExecuteCommand", Boolean).or("false").effect(InPlace),
    field("enableECSManagedTags", Boolean).or("false").effect(InPlace),
    field("loadBalancers", List(&Object(&LOAD_BALANCER), Keyed(by(&["targetGroupArn", "loadBalancerName", "containerName", "containerPort"])))).effect(NewDeployment),
    field("propagateTags", Choice(&["TASK_DEFINITION", "SERVICE", "NONE"])).or(r#""NONE""#).effect(InPlace),
    field("serviceRegistries", List(&Object(&SERVICE_REGISTRY), Keyed(by(&["registryArn"])))).effect(NewDeployment),
    field("serviceConnectConfiguration", Object(&SERVICE_CONNECT)).effect(NewDeployment).seen(Deployment),
    field("volumeConfigurations", List(&Object(&SERVICE_VOLUME), Keyed(by(&["name"])))).effect(NewDeployment).seen(Deployment),
    field("vpcLatticeConfigurations", List(&Object(&VPC_LATTICE), Keyed(by(&["targetGroupArn", "portName"])))).effect(NewDeployment).seen(Deployment),
    field("gatewayConnectors", List(&Object(&GATEWAY_CONNECTOR), Keyed(by(&["portName"])))).effect(NotStated).seen(ServiceRevision),
    field("monitoring", Object(&MONITORING)).effect(NotStated).seen(ServiceRevision),
    // Of TagResource and UntagResource; described only with `include=["TAGS"]`.
    field("tags", List(&Object(&TAG), Keyed(by(&["key"]).short("value")))).effect(InPlace),
]);

static CAPACITY_PROVIDER: Shape = shape("CapacityProviderStrategyItem", &[
    field("capacityProvider", Text).required(),
    field("weight", Integer).or("0"),
    field("base", Integer).or("0"),
]);

static DEPLOYMENT_CONFIGURATION: Shape = shape("DeploymentConfiguration", &[
    field("deploymentCircuitBreaker", Object(&CIRCUIT_BREAKER)),
    // Their defaults depend on the scheduling strategy.
    field("maximumPercent", Integer),
    field("minimumHealthyPercent", Integer),
    field("alarms", Object(&DEPLOYMENT_ALARMS)),
    field("strategy", Choice(&["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])),
    field("bakeTimeInMinutes", Integer),
    field("lifecycleHooks", List(&Object(&LIFECYCLE_HOOK), Sequence)),
    field("linearConfiguration", Object(&LINEAR)),
    field("canaryConfiguration", Object(&CANARY)),
    field("earlySuccessCriteria", Object(&EARLY_SUCCESS)),
]);

static CIRCUIT_BREAKER: Shape = shape("DeploymentCircuitBreaker", &[
    field("enable", Boolean).required(),
    field("rollback", Boolean).required(),
    field("resetOnHealthyTask", Boolean).or("true"),
    field("thresholdConfiguration", Object(&THRESHOLD)),
]);

static THRESHOLD: Shape = shape("ThresholdConfiguration", &[
    field("type", Choice(&["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"])).required(),
    field("value", Integer).required(),
]);

static DEPLOYMENT_ALARMS: Shape = shape("DeploymentAlarms", &[
    field("alarmNames", List(&Text, Set)).required(),
    field("rollback", Boolean).required(),
    field("enable", Boolean).required(),
]);

static LIFECYCLE_HOOK: Shape = shape("DeploymentLifecycleHook", &[
    field("targetType", Choice(&["AWS_LAMBDA", "PAUSE"])).or(r#""AWS_LAMBDA""#),
    field("hookTargetArn", Text),
    field("roleArn", Text),
    field("lifecycleStages", List(&Choice(&["RECONCILE_SERVICE", "PRE_SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]), Set)),
    field("hookDetails", Any),
    field("timeoutConfiguration", Object(&HOOK_TIMEOUT)),
]);

static HOOK_TIMEOUT: Shape = shape("DeploymentLifecycleHookTimeoutConfiguration", &[
    field("timeoutInMinutes", Integer).or("1440"),
    field("action", Choice(&["ROLLBACK", "CONTINUE"])).or(r#""ROLLBACK""#),
]);

static LINEAR: Shape = shape("LinearConfiguration", &[
    field("stepPercent", Number).or("10.0"),
    field("stepBakeTimeInMinutes", Integer).or("6"),
]);

static CANARY: Shape = shape("CanaryConfiguration", &[
    field("canaryPercent", Number).or("5.0"),
    field("canaryBakeTimeInMinutes", Integer).or("10"),
]);

static EARLY_SUCCESS: Shape = shape("DeploymentEarlySuccessCriteria", &[
    field("enable", Boolean).required(),
    field("healthyPercent", Integer),
    field("sourceServiceRevisionCleanup", Choice(&["BLOCKING", "DEFERRED"])),
]);

static NETWORK: Shape = shape("NetworkConfiguration", &[
    field("awsvpcConfiguration", Object(&AWSVPC)),
]);

static AWSVPC: Shape = shape("AwsVpcConfiguration", &[
    field("subnets", List(&Text, Set)).required(),
    field("securityGroups", List(&Text, Set)),
    field("assignPublicIp", Choice(&["ENABLED", "DISABLED"])).or(r#""DISABLED""#),
]);

static PLACEMENT_CONSTRAINT: Shape = shape("PlacementConstraint", &[
    field("type", Choice(&["distinctInstance", "memberOf"])),
    field("expression", Text),
]);

static PLACEMENT_STRATEGY: Shape = shape("PlacementStrategy", &[
    field("type", Choice(&["random", "spread", "binpack"])),
    field("field", Text),
]);

static LOAD_BALANCER: Shape = shape("LoadBalancer", &[
    field("targetGroupArn", Text),
    field("loadBalancerName", Text),
    field("containerName", Text),
    field("containerPort", Integer),
    field("advancedConfiguration", Object(&ADVANCED)),
]);

static ADVANCED: Shape = shape("AdvancedConfiguration", &[
    field("alternateTargetGroupArn", Text),
    field("productionListenerRule", Text),
    field("testListenerRule", Text),
    field("roleArn", Text),
]);

static SERVICE_REGISTRY: Shape = shape("ServiceRegistry", &[
    field("registryArn", Text),
    field("port", Integer),
    field("containerName", Text),
    field("containerPort", Integer),
]);

static SERVICE_CONNECT: Shape = shape("ServiceConnectConfiguration", &[
    field("enabled", Boolean).required(),
    field("namespace", Text),
    field("services", List(&Object(&SERVICE_CONNECT_SERVICE), Keyed(by(&["portName"])))),
    field("logConfiguration", Object(&LOG_CONFIGURATION)),
    field("accessLogConfiguration", Object(&ACCESS_LOG)),
    field("containerConfigurations", List(&Object(&SERVICE_CONNECT_CONTAINER), Sequence)),
]);

static SERVICE_CONNECT_SERVICE: Shape = shape("ServiceConnectService", &[
    field("portName", Text).required(),
    field("discoveryName", Text),
    field("clientAliases", List(&Object(&CLIENT_ALIAS), Keyed(by(&["port", "dnsName"])))),
    field("ingressPortOverride", Integer),
    field("timeout", Object(&TIMEOUT)),
    field("tls", Object(&TLS)),
]);

static CLIENT_ALIAS: Shape = shape("ServiceConnectClientAlias", &[
    field("port", Integer).required(),
    field("dnsName", Text),
    field("testTrafficRules", Object(&TEST_TRAFFIC_RULES)),
]);

static TEST_TRAFFIC_RULES: Shape = shape("ServiceConnectTestTrafficRules", &[
    field("header", Object(&TEST_TRAFFIC_HEADER)).required(),
]);

static TEST_TRAFFIC_HEADER: Shape = shape("ServiceConnectTestTrafficHeaderRules", &[
    field("name", Text).required(),
    field("value", Object(&TEST_TRAFFIC_HEADER_MATCH)),
]);

static TEST_TRAFFIC_HEADER_MATCH: Shape = shape("ServiceConnectTestTrafficHeaderMatchRules", &[
    field("exact", Text).required(),
]);

static TIMEOUT: Shape = shape("TimeoutConfiguration", &[
    field("idleTimeoutSeconds", Integer),
    field("perRequestTimeoutSeconds", Integer),
]);

static TLS: Shape = shape("ServiceConnectTlsConfiguration", &[
    field("issuerCertificateAuthority", Object(&TLS_AUTHORITY)).required(),
    field("kmsKey", Text),
    field("roleArn", Text),
]);

static TLS_AUTHORITY: Shape = shape("ServiceConnectTlsCertificateAuthority", &[
    field("awsPcaAuthorityArn", Text),
]);

static ACCESS_LOG: Shape = shape("ServiceConnectAccessLogConfiguration", &[
    field("format", Choice(&["TEXT", "JSON"])).required(),
    field("includeQueryParameters", Choice(&["DISABLED", "ENABLED"])).or(r#""DISABLED""#),
]);

static SERVICE_CONNECT_CONTAINER: Shape = shape("ServiceConnectContainerConfiguration", &[
    field("logLevel", Choice(&["debug", "info"])),
]);

static SERVICE_VOLUME: Shape = shape("ServiceVolumeConfiguration", &[
    field("name", Text).required(),
    field("managedEBSVolume", Object(&MANAGED_EBS)),
]);

static MANAGED_EBS: Shape = shape("ServiceManagedEBSVolumeConfiguration", &[
    field("encrypted", Boolean),
    field("kmsKeyId", Text),
    field("volumeType", Text),
    field("sizeInGiB", Integer),
    field("snapshotId", Text),
    field("volumeInitializationRate", Integer),
    field("iops", Integer),
    field("throughput", Integer),
    field("tagSpecifications", List(&Object(&EBS_TAGS), Keyed(by(&["resourceType"])))),
    field("roleArn", Text).required(),
    field("filesystemType", Choice(&["ext3", "ext4", "xfs", "ntfs"])),
]);

static EBS_TAGS: Shape = shape("EBSTagSpecification", &[
    field("resourceType", Choice(&["volume"])).required(),
    field("tags", List(&Object(&TAG), Keyed(by(&["key"]).short("value")))),
    field("propagateTags", Choice(&["TASK_DEFINITION", "SERVICE", "NONE"])),
]);

static VPC_LATTICE: Shape = shape("VpcLatticeConfiguration", &[
    field("roleArn", Text).required(),
    field("targetGroupArn", Text).required(),
    field("portName", Text).required(),
    field("advancedConfiguration", Object(&VPC_LATTICE_ADVANCED)),
]);

static VPC_LATTICE_ADVANCED: Shape = shape("VpcLatticeAdvancedConfiguration", &[
    field("alternateTargetGroupArn", Text),
    field("productionListenerRule", Text),
    field("testListenerRule", Text),
]);

static GATEWAY_CONNECTOR: Shape = shape("GatewayConnector", &[
    field("portName", Text).required(),
    field("healthCheck", Object(&GATEWAY_HEALTH_CHECK)),
    field("filters", Object(&GATEWAY_FILTERS)),
    field("deregistrationDelay", Object(&GATEWAY_DELAY)),
]);

static GATEWAY_HEALTH_CHECK: Shape = shape("GatewayConnectorHealthCheck", &[
    field("healthCheckProtocol", Choice(&["HTTP", "HTTPS"])),
    field("healthCheckPort", Integer),
    field("healthCheckPath", Text),
    field("healthCheckTimeoutSeconds", Integer),
    field("healthCheckIntervalSeconds", Integer),
    field("healthyThresholdCount", Integer),
    field("unhealthyThresholdCount", Integer),
    field("matcher", Object(&GATEWAY_MATCHER)),
]);

static GATEWAY_MATCHER: Shape = shape("GatewayConnectorHealthCheckMatcher", &[
    field("httpCode", Text),
    field("grpcCode", Text),
]);

static GATEWAY_FILTERS: Shape = shape("GatewayConnectorFilters", &[
    field("accessTypes", List(&Choice(&["PUBLIC", "PRIVATE"]), Set)),
]);

static GATEWAY_DELAY: Shape = shape("GatewayConnectorDeregistrationDelay", &[
    field("timeoutSeconds", Integer),
]);

static MONITORING: Shape = shape("MonitoringConfiguration", &[
    field("metricConfigurations", List(&Object(&METRIC), Set)),
]);

static METRIC: Shape = shape("MetricConfiguration", &[
    field("metricNames", List(&Text, Set)).required(),
    field("resolutionSeconds", Integer).required(),
]);
