package main

func trials() []*trial {
	return []*trial{fanOutTrial(), transportsTrial(), memoryTrial(), ingestTrial(), stallTrial(), filesTrial(), stormTrial(), silenceTrial(), thousandsTrial()}
}
